//! The command line.

use clap::Parser;
use std::process::ExitCode;
use stet::{commands, config::Cli};

fn main() -> ExitCode {
    // A .env file is a convenience; that there is none is no mistake, that it cannot be read is one.
    if let Err(error) = dotenvy::dotenv()
        && !error.not_found()
    {
        eprintln!("stet: .env: {error}");
        return ExitCode::FAILURE;
    }
    match commands::run(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("stet: {error:#}");
            ExitCode::FAILURE
        }
    }
}
