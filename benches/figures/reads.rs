//! Uncached reads: what a request costs the server beside its queries alone, and beside the same bytes from memory.

use super::{
    CLIENTS, ROUNDS,
    bare::Own,
    client::{Connection, load},
    newsroom::{ARTICLES, Newsroom},
    plain::Plain,
    server::{self, Server},
    table::{Table, median, micros, ratio},
};
use actix_web::{App, HttpResponse, HttpServer, web, web::Bytes};
use anyhow::{Context, Result, anyhow};
use std::{fs, path::Path, process::Command, thread, time::Duration};
use stet::db::Target;

/// Requests of each client in a round.
const REQUESTS: usize = 150;
const TOTAL: usize = CLIENTS * REQUESTS;

/// What is asked for: the path of the `n`th request, and the same read without a server.
struct Read<'a> {
    name: &'static str,
    path: &'a (dyn Fn(usize) -> String + Sync),
    own: &'a (dyn Fn(&mut Own, usize) -> Result<usize> + Sync),
    plain: &'a (dyn Fn(&mut Plain, usize) -> Result<usize> + Sync),
}

pub fn measure(
    table: &mut Table,
    server: &Server,
    target: &Target,
    newsroom: &Newsroom,
    directory: &Path,
) -> Result<()> {
    let slug = |n: usize| newsroom.slugs[n * 7_919 % ARTICLES].as_str();
    let list = Read {
        name: "the latest 20",
        path: &|_| "/api/v1/articles".to_owned(),
        own: &|own, _| own.list(),
        plain: &|plain, _| plain.list(),
    };
    let article = Read {
        name: "an article by slug",
        path: &|n| format!("/api/v1/articles/{}", slug(n)),
        own: &|own, n| own.article(slug(n)),
        plain: &|plain, n| plain.article(slug(n)),
    };
    for read in [list, article] {
        beside_queries(table, server, target, &read)?;
        beside_memory(table, server, &read, directory)?;
    }
    Ok(())
}

fn beside_queries(table: &mut Table, server: &Server, target: &Target, read: &Read<'_>) -> Result<()> {
    let mut own = [Own::open(target)?, Own::open(target)?];
    let mut plain = match target {
        Target::Sqlite(path) => Some([Plain::open(path)?, Plain::open(path)?]),
        Target::Postgres(_) => None,
    };
    let (mut http, mut queries, mut by_hand) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let (cpu, _) = over_http(server, read)?;
        let own = of_this_process(&mut own, read.own)?;
        let plain = plain.as_mut().map(|plain| of_this_process(plain, read.plain)).transpose()?;
        // The first round warms up.
        if round > 0 {
            http.push(cpu);
            queries.push(own);
            by_hand.extend(plain);
        }
    }
    let beside = |queries: &[Duration]| {
        let ratios = http.iter().zip(queries).map(|(http, bare)| http.as_secs_f64() / bare.as_secs_f64());
        ratio(median(ratios.collect()))
    };
    let (name, cpu) = (read.name, median(http.clone()));
    let from = |bare: Vec<Duration>| format!("CPU of a request: {} / {}", micros(cpu), micros(median(bare)));
    // The goal is held against what anyone would write; ours do less.
    let goals = if by_hand.is_empty() { ["", "≤ 2"] } else { ["≤ 2", ""] };
    if !by_hand.is_empty() {
        table.add(format!("{name}: HTTP / plain Diesel"), goals[0], beside(&by_hand), from(by_hand));
    }
    table.add(format!("{name}: HTTP / its own queries"), goals[1], beside(&queries), from(queries));
    Ok(())
}

/// The server's CPU time for each request, and how many it answered in a second.
fn over_http(server: &Server, read: &Read<'_>) -> Result<(Duration, f64)> {
    let before = server.cpu()?;
    let took = load(&server.address, CLIENTS, |client, connection| {
        (0..REQUESTS).try_for_each(|n| connection.get(&(read.path)(client * REQUESTS + n)).map(drop))
    })?;
    Ok(((server.cpu()? - before) / u32::try_from(TOTAL)?, TOTAL as f64 / took.as_secs_f64()))
}

/// This process's CPU time for each call. Two threads call at once: while requests are measured, server and clients
/// keep two cores busy, and cores that are two halves of one are slower then.
fn of_this_process<C: Send>(
    conns: &mut [C; 2],
    call: &(dyn Fn(&mut C, usize) -> Result<usize> + Sync),
) -> Result<Duration> {
    let before = server::cpu("self")?;
    thread::scope(|scope| {
        let threads = conns.iter_mut().enumerate().map(|(first, conn)| {
            scope.spawn(move || {
                (first..TOTAL).step_by(2).try_for_each(|n| call(conn, n).map(|rows| assert_ne!(rows, 0)))
            })
        });
        let threads: Vec<_> = threads.collect();
        threads.into_iter().try_for_each(|thread| thread.join().map_err(|_| anyhow!("a reader panicked"))?)
    })?;
    Ok((server::cpu("self")? - before) / u32::try_from(TOTAL)?)
}

/// Whether the same bytes from memory, by the same web server, are served much faster: for the record.
fn beside_memory(table: &mut Table, server: &Server, read: &Read<'_>, directory: &Path) -> Result<()> {
    let file = directory.join("answer");
    fs::write(&file, Connection::open(&server.address)?.get(&(read.path)(0))?)?;
    let memory = Server::spawn(Command::new(std::env::current_exe()?).arg("--memory").arg(&file))?;
    let (mut stet, mut bytes) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        stet.push(over_http(server, read)?);
        bytes.push(over_http(&memory, read)?);
    }
    let ratios = stet.iter().zip(&bytes).map(|((_, stet), (_, memory))| stet / memory);
    let rate = |rounds: &[(Duration, f64)]| median(rounds.iter().map(|(_, rate)| *rate).collect());
    let cpu = |rounds: &[(Duration, f64)]| micros(median(rounds.iter().map(|(cpu, _)| *cpu).collect()));
    table.add(
        format!("{}: requests a second / from memory", read.name),
        "",
        ratio(median(ratios.collect())),
        format!("{:.0} / {:.0}; CPU {} / {}", rate(&stet), rate(&bytes), cpu(&stet), cpu(&bytes)),
    );
    Ok(())
}

/// Answers every request with the bytes of a file.
pub fn serve_from_memory(files: &[String]) -> Result<()> {
    let bytes = Bytes::from(fs::read(files.first().context("--memory takes a file")?)?);
    actix_web::rt::System::new().block_on(async move {
        let server = HttpServer::new(move || {
            let bytes = bytes.clone();
            App::new().default_service(web::to(move || {
                let answer = HttpResponse::Ok().content_type("application/json").body(bytes.clone());
                std::future::ready(answer)
            }))
        });
        let server = server.bind(("127.0.0.1", 0))?;
        println!("listens on http://{}", server.addrs().first().context("no address")?);
        Ok(server.run().await?)
    })
}
