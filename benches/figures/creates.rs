//! Durable creates: 32 clients of the server, and a loop that commits each article by itself.

use super::{
    CLIENTS, ROUNDS,
    client::load,
    newsroom::{Newsroom, article},
    server::Server,
    table::{Table, median, ratio},
};
use anyhow::Result;
use diesel::{Connection, connection::SimpleConnection};
use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Instant,
};
use stet::{
    articles::{self, Creation, Draft},
    clock,
    db::{Conn, Id, Target},
};

/// Creates of each client in a round, and of the loop.
const CREATES: usize = 40;
const ALONE: usize = 300;

pub fn measure(table: &mut Table, server: &Server, target: &Target, newsroom: &Newsroom) -> Result<()> {
    let who = server.sign_in()?;
    let mut conn = target.open()?;
    let next = AtomicUsize::new(newsroom.slugs.len());
    let body = || article(next.fetch_add(1, Ordering::Relaxed)).to_string();
    let (mut together, mut alone) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let bodies: Vec<Vec<String>> = (0..CLIENTS).map(|_| (0..CREATES).map(|_| body()).collect()).collect();
        let took = load(&server.address, CLIENTS, |client, connection| {
            bodies[client].iter().try_for_each(|body| connection.post("/api/v1/articles", &who, body).map(drop))
        })?;
        together.push((CLIENTS * CREATES) as f64 / took.as_secs_f64());

        let bodies: Vec<String> = (0..ALONE).map(|_| body()).collect();
        let began = Instant::now();
        for body in &bodies {
            create(&mut conn, &Draft::of(serde_json::from_str(body)?)?)?;
        }
        alone.push(ALONE as f64 / began.elapsed().as_secs_f64());
    }
    let ratios = together.iter().zip(&alone).map(|(together, alone)| together / alone);
    table.add(
        "creates of 32 clients / one transaction each",
        if matches!(target, Target::Sqlite(_)) { "≥ 3" } else { "" },
        ratio(median(ratios.collect())),
        format!(
            "{:.0} / {:.0} a second, each on disk before its answer",
            median(together.clone()),
            median(alone.clone())
        ),
    );
    Ok(())
}

/// Creates an article in a transaction of its own.
fn create(conn: &mut Conn, draft: &Draft) -> Result<()> {
    let creation = Creation { id: Id::new(), by: None, at: clock::now() };
    if matches!(conn, Conn::Postgres(_)) {
        conn.transaction(|conn| articles::insert(conn, draft, creation))?;
        return Ok(());
    }
    conn.batch_execute("BEGIN IMMEDIATE")?;
    articles::insert(conn, draft, creation)?;
    Ok(conn.batch_execute("COMMIT")?)
}
