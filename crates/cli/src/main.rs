//! The arras command.

fn main() {}
