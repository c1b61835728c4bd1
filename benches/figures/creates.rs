//! Durable creates: 32 clients of the server, as many writers that commit each article by itself, and one such writer.

use super::{
    CLIENTS, ROUNDS,
    client::load,
    newsroom::{Newsroom, article},
    server::Server,
    table::{Table, median, ratio},
};
use anyhow::{Result, anyhow};
use diesel::{Connection, connection::SimpleConnection};
use std::{
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Instant,
};
use stet::{
    articles::{self, Creation, Draft},
    clock,
    db::{Conn, Id, Target},
};

/// Creates of each client in a round, of each writer, and of the one that has the database to itself.
const CREATES: usize = 40;
const APART: usize = 20;
const ALONE: usize = 300;

pub fn measure(table: &mut Table, server: &Server, target: &Target, newsroom: &Newsroom) -> Result<()> {
    let who = server.sign_in()?;
    let mut conns = (0..CLIENTS).map(|_| target.open()).collect::<Result<Vec<_>, _>>()?;
    let next = AtomicUsize::new(newsroom.slugs.len());
    let body = || article(next.fetch_add(1, Ordering::Relaxed)).to_string();
    let (mut together, mut apart, mut alone) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let bodies: Vec<Vec<String>> = (0..CLIENTS).map(|_| (0..CREATES).map(|_| body()).collect()).collect();
        let took = load(&server.address, CLIENTS, |client, connection| {
            bodies[client].iter().try_for_each(|body| connection.post("/api/v1/articles", &who, body).map(drop))
        })?;
        together.push((CLIENTS * CREATES) as f64 / took.as_secs_f64());

        let bodies: Vec<Vec<String>> = (0..CLIENTS).map(|_| (0..APART).map(|_| body()).collect()).collect();
        let began = Instant::now();
        thread::scope(|scope| {
            let writers: Vec<_> = conns
                .iter_mut()
                .zip(&bodies)
                .map(|(conn, bodies)| scope.spawn(move || bodies.iter().try_for_each(|body| create(conn, body))))
                .collect();
            writers.into_iter().try_for_each(|writer| writer.join().map_err(|_| anyhow!("a writer panicked"))?)
        })?;
        apart.push((CLIENTS * APART) as f64 / began.elapsed().as_secs_f64());

        let bodies: Vec<String> = (0..ALONE).map(|_| body()).collect();
        let began = Instant::now();
        bodies.iter().try_for_each(|body| create(&mut conns[0], body))?;
        alone.push(ALONE as f64 / began.elapsed().as_secs_f64());
    }
    let goal = if matches!(target, Target::Sqlite(_)) { "≥ 3" } else { "" };
    for (name, goal, others) in [("32 writers", goal, &apart), ("one writer", "", &alone)] {
        let ratios = together.iter().zip(others).map(|(together, other)| together / other);
        table.add(
            format!("creates of 32 clients / {name}, a transaction each"),
            goal,
            ratio(median(ratios.collect())),
            format!("{:.0} / {:.0} a second, each on disk", median(together.clone()), median(others.clone())),
        );
    }
    Ok(())
}

/// Creates an article in a transaction of its own.
fn create(conn: &mut Conn, body: &str) -> Result<()> {
    let draft = &Draft::of(serde_json::from_str(body)?)?;
    let creation = Creation { id: Id::new(), by: None, at: clock::now() };
    if matches!(conn, Conn::Postgres(_)) {
        conn.transaction(|conn| articles::insert(conn, draft, creation))?;
        return Ok(());
    }
    // Whoever waited in vain waits again.
    while conn.batch_execute("BEGIN IMMEDIATE").is_err() {}
    articles::insert(conn, draft, creation)?;
    Ok(conn.batch_execute("COMMIT")?)
}
