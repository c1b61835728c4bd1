//! The smallest client that keeps a connection open, so that the load costs little beside the server.

use anyhow::{Context, Result, ensure};
use std::{
    io::{Read, Write},
    net::TcpStream,
    thread,
    time::{Duration, Instant},
};

pub struct Connection {
    stream: TcpStream,
    answer: Vec<u8>,
}

impl Connection {
    pub fn open(address: &str) -> Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        Ok(Self { stream, answer: Vec::new() })
    }

    /// The body of the answer, which must be a success.
    pub fn get(&mut self, path: &str) -> Result<&[u8]> {
        self.get_with(path, "")
    }

    pub fn get_with(&mut self, path: &str, headers: &str) -> Result<&[u8]> {
        self.ask(&format!("GET {path} HTTP/1.1\r\nhost: figures\r\n{headers}\r\n"))
    }

    pub fn post(&mut self, path: &str, headers: &str, body: &str) -> Result<&[u8]> {
        self.send("POST", path, headers, body)
    }

    pub fn put(&mut self, path: &str, headers: &str, body: &str) -> Result<&[u8]> {
        self.send("PUT", path, headers, body)
    }

    pub fn patch(&mut self, path: &str, headers: &str, body: &str) -> Result<&[u8]> {
        self.send("PATCH", path, headers, body)
    }

    fn send(&mut self, method: &str, path: &str, headers: &str, body: &str) -> Result<&[u8]> {
        let length = body.len();
        self.ask(&format!(
            "{method} {path} HTTP/1.1\r\nhost: figures\r\n{headers}content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        ))
    }

    fn ask(&mut self, request: &str) -> Result<&[u8]> {
        self.stream.write_all(request.as_bytes())?;
        self.answer.clear();
        let mut part = [0; 64 * 1024];
        let (head, length) = loop {
            let read = self.stream.read(&mut part)?;
            ensure!(read > 0, "the server closed the connection");
            self.answer.extend_from_slice(&part[..read]);
            if let Some(end) = self.answer.windows(4).position(|four| four == b"\r\n\r\n") {
                let head = std::str::from_utf8(&self.answer[..end])?;
                ensure!(head.starts_with("HTTP/1.1 20"), "{head}\n{request}");
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
                break (end + 4, length.context("an answer has no length")?.parse::<usize>()?);
            }
        };
        while self.answer.len() < head + length {
            let read = self.stream.read(&mut part)?;
            ensure!(read > 0, "the server closed the connection");
            self.answer.extend_from_slice(&part[..read]);
        }
        Ok(&self.answer[head..])
    }
}

/// Lets `clients` run at the same time, each on a connection of its own, and says how long it took.
pub fn load(
    address: &str,
    clients: usize,
    run: impl Fn(usize, &mut Connection) -> Result<()> + Sync,
) -> Result<Duration> {
    let mut connections = (0..clients).map(|_| Connection::open(address)).collect::<Result<Vec<_>>>()?;
    let began = Instant::now();
    thread::scope(|scope| {
        let run = &run;
        let clients = connections.iter_mut().enumerate();
        let threads: Vec<_> =
            clients.map(|(client, connection)| scope.spawn(move || run(client, connection))).collect();
        threads.into_iter().try_for_each(|thread| thread.join().map_err(|_| anyhow::anyhow!("a client panicked"))?)
    })?;
    Ok(began.elapsed())
}
