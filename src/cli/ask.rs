//! The question before something that is not to happen by mistake.

use super::tell;
use anyhow::bail;
use std::io::{BufRead, IsTerminal};

/// Lets the user type how many things it is about.
///
/// # Errors
/// When something else is typed, or nobody is there to type: then it says what `would` happen.
pub(super) fn ask(count: u64, would: &str, question: &str) -> anyhow::Result<()> {
    if !std::io::stdin().is_terminal() {
        bail!("nothing is changed: {would}");
    }
    tell(question);
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    if line.trim() != count.to_string() {
        bail!("nothing is changed");
    }
    Ok(())
}
