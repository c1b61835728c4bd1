//! The real server in a process of its own, and what the kernel says that it used.

use super::client::Connection;
use anyhow::{Context, Result};
use std::{
    fs::{self, File},
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

pub const EMAIL: &str = "figures@lantern.example";
pub const PASSWORD: &str = "a tide table for March";

pub struct Server {
    process: Child,
    pub address: String,
    began: Instant,
}

impl Server {
    /// Starts `stet serve` and waits until it answers.
    pub fn start(arguments: &[&str], directory: &Path) -> Result<Self> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stet"));
        command.arg("serve").args(arguments).args(["--listen", "127.0.0.1:0"]);
        command.env("STET_RATE_LIMIT", "off");
        Self::spawn(command.current_dir(directory).stderr(File::create(directory.join("stet.log"))?))
    }

    /// Starts a program that says where it listens.
    pub fn spawn(command: &mut Command) -> Result<Self> {
        let began = Instant::now();
        let mut process = command.stdout(Stdio::piped()).spawn()?;
        let out = process.stdout.take().context("the server has no output")?;
        let address = BufReader::new(out).lines().map_while(Result::ok).find_map(|line| {
            let (_, address) = line.split_once("listens on http://")?;
            Some(address.split(' ').next()?.to_owned())
        });
        Ok(Self { process, address: address.context("the server did not start")?, began })
    }

    /// Asks once, and says how long ago the process was started.
    pub fn first_answer(&self) -> Result<Duration> {
        Connection::open(&self.address)?.get("/api/v1/articles?limit=1")?;
        Ok(self.began.elapsed())
    }

    /// The header line of somebody who may do everything.
    pub fn sign_in(&self) -> Result<String> {
        let body = serde_json::json!({"email": EMAIL, "password": PASSWORD}).to_string();
        let mut connection = Connection::open(&self.address)?;
        let answer: serde_json::Value = serde_json::from_slice(connection.post("/api/v1/auth/login", "", &body)?)?;
        let token = answer["access_token"].as_str().context("the sign-in failed")?;
        Ok(format!("authorization: Bearer {token}\r\n"))
    }

    pub fn cpu(&self) -> Result<Duration> {
        cpu(&self.process.id().to_string())
    }

    /// Resident memory in bytes.
    pub fn memory(&self) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
        Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1024)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// The CPU time of a process, all its threads, in user and kernel. Linux counts it in hundredths of a second.
pub fn cpu(process: &str) -> Result<Duration> {
    let stat =
        fs::read_to_string(format!("/proc/{process}/stat")).context("CPU time is read from /proc: Linux only")?;
    // The name in parentheses may have spaces in it; utime and stime are the 14th and 15th field.
    let (_, fields) = stat.rsplit_once(") ").context("an unknown form of /proc/…/stat")?;
    let ticks = fields.split(' ').skip(11).take(2).map(str::parse::<u64>).sum::<Result<u64, _>>()?;
    Ok(Duration::from_millis(ticks * 10))
}

/// What kind of machine this is.
pub fn machine() -> String {
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let names: Vec<_> = cpus.lines().filter_map(|line| line.strip_prefix("model name")?.split_once(": ")).collect();
    format!("{} cores, {}", names.len(), names.first().map_or("unknown", |(_, name)| name))
}
