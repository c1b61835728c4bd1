//! The table of figures: a ratio, what it is to be, and what it was made from.

use super::database::Database;
use std::time::Duration;

pub struct Table {
    database: String,
    rows: Vec<[String; 4]>,
}

impl Table {
    pub fn new(database: &Database) -> Self {
        Self { database: database.to_string(), rows: Vec::new() }
    }

    pub fn add(&mut self, figure: impl Into<String>, goal: &str, measured: impl Into<String>, from: impl Into<String>) {
        let row = [figure.into(), goal.to_owned(), measured.into(), from.into()];
        eprintln!("{}: {}", row[0], row[2]);
        self.rows.push(row);
    }

    /// Prints Markdown, so that it can be kept as it is.
    pub fn print(&self) {
        let head = [&self.database, "goal", "measured", "from"].map(str::to_owned);
        let widths: [usize; 4] = std::array::from_fn(|column| {
            self.rows.iter().chain([&head]).map(|row| row[column].chars().count()).max().unwrap_or_default()
        });
        let line = |row: &[String; 4]| {
            let cells: Vec<_> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
            println!("| {} |", cells.join(" | "));
        };
        println!();
        line(&head);
        line(&widths.map(|width| "-".repeat(width)));
        self.rows.iter().for_each(line);
    }
}

pub fn median<T: Copy + PartialOrd>(mut values: Vec<T>) -> T {
    values.sort_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
    values[values.len() / 2]
}

pub fn micros(time: Duration) -> String {
    format!("{:.0} µs", time.as_secs_f64() * 1e6)
}

pub fn ratio(value: f64) -> String {
    format!("{value:.2}")
}
