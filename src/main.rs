//! Parses, runs, prints the error chain, and ends with the exit code.

fn main() -> std::process::ExitCode {
    gphotosfs::cli::run()
}
