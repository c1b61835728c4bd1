//! The command line.

use std::process::ExitCode;
use stet::{
    commands,
    config::{self, Cli},
};

fn main() -> ExitCode {
    // A .env file is a convenience; that there is none is no mistake, that it cannot be read is one.
    if let Err(error) = dotenvy::dotenv()
        && !error.not_found()
    {
        eprintln!("stet: .env: {}", config::complaint_of_a_file(&error));
        return ExitCode::FAILURE;
    }
    let command = match Cli::read() {
        Ok(cli) => cli.command,
        Err(wrong) => {
            eprintln!("stet: {wrong}");
            return ExitCode::FAILURE;
        }
    };
    for doubt in config::doubts() {
        eprintln!("stet: {doubt}");
    }
    match commands::run(command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("stet: {error:#}");
            ExitCode::FAILURE
        }
    }
}
