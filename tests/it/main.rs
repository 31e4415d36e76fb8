//! What can only be asked from outside: of the sources as text, and of the program as users run it.

mod layers;
mod readme;
