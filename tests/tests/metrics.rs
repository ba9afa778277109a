//! Live metrics as their readers see them: `promtool` checks the text, and a real Prometheus scrapes the example.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use memtrack_tests::program::folder;

/// Longer than any machine takes to start a server and scrape it once.
const PATIENCE: Duration = Duration::from_secs(120);

/// A process that is killed at the end of the test.
struct Server {
    process: Child,
    address: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// `examples/rust/examples/metrics.rs`.
fn example() -> Server {
    let mut command = Command::new(env!("CARGO_BIN_EXE_metrics"));
    let mut process =
        command.env_remove("MEMTRACK_DUMP").stdout(Stdio::piped()).spawn().expect("the example starts");
    let mut line = String::new();
    BufReader::new(process.stdout.take().expect("a pipe"))
        .read_line(&mut line)
        .expect("the example prints its address");
    let address = line.trim().trim_start_matches("http://").trim_end_matches("/metrics").to_owned();
    Server { process, address }
}

/// Requests a page. Returns its head and its body, `None` if there is no answer.
fn get(address: &str, path: &str) -> Option<(String, String)> {
    let mut stream = TcpStream::connect(address).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some((head.to_owned(), body.to_owned()))
}

fn metrics(server: &Server) -> String {
    let (head, body) = get(&server.address, "/metrics").expect("the example answers");
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert!(head.contains("text/plain; version=0.0.4"), "{head}");
    body
}

/// The values by name and labels.
fn samples(text: &str) -> HashMap<&str, f64> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let samples = lines.map(|line| line.rsplit_once(' ').expect("a sample has a value"));
    samples.map(|(name, value)| (name, value.parse().expect("a number"))).collect()
}

#[test]
fn figures_follow_the_program() {
    let server = example();
    let before = metrics(&server);
    let before = samples(&before);
    get(&server.address, "/keep/100000").expect("an answer");
    get(&server.address, "/keep/250000").expect("an answer");
    let after = metrics(&server);
    let after = samples(&after);
    assert_eq!(after["memtrack_live_bytes"] - before["memtrack_live_bytes"], 350_000.0);
    assert_eq!(after["memtrack_live_blocks"] - before["memtrack_live_blocks"], 2.0);
    assert!(after["memtrack_peak_bytes"] >= after["memtrack_live_bytes"]);
    assert_eq!(after["memtrack_stage_runs_total{stage=\"keep\"}"], 2.0);
    assert_eq!(after["memtrack_stage_running{stage=\"keep\"}"], 0.0);
    let in_stage = after["memtrack_stage_allocated_bytes_total{stage=\"keep\"}"];
    // The answers are allocated in the stage too.
    assert!((350_000.0..351_000.0).contains(&in_stage), "{in_stage}");
    assert_eq!(
        after["memtrack_thread_live_bytes{thread=\"metrics\",thread_id=\"2\"}"],
        after["memtrack_live_bytes"]
    );
    assert_eq!(after["memtrack_losses_total{cause=\"stack table full\"}"], 0.0);
    get(&server.address, "/forget").expect("an answer");
    let forgotten = metrics(&server);
    let forgotten = samples(&forgotten);
    assert_eq!(forgotten["memtrack_live_bytes"], before["memtrack_live_bytes"]);
    let falls = |name: &&&str| name.contains("_total") && forgotten[**name] < after[**name];
    assert_eq!(after.keys().filter(falls).count(), 0, "counters only rise");
}

#[test]
fn promtool_reports_nothing() {
    if !is_there("promtool") {
        return;
    }
    let server = example();
    get(&server.address, "/keep/1000").expect("an answer");
    let text = metrics(&server);
    let mut promtool = Command::new("promtool");
    promtool.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut promtool = promtool.spawn().expect("promtool");
    promtool.stdin.take().expect("a pipe").write_all(text.as_bytes()).expect("promtool reads its input");
    let output = promtool.wait_with_output().expect("promtool");
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success() && said.is_empty(), "{}", String::from_utf8_lossy(&said));
}

#[test]
fn prometheus_scrapes_a_running_program() {
    if !is_there("prometheus") {
        return;
    }
    let server = example();
    get(&server.address, "/keep/123456").expect("an answer");
    let folder = folder("metrics");
    let config = folder.join("prometheus.yml");
    let scrape = format!(
        "scrape_configs:\n- job_name: memtrack\n  scrape_interval: 1s\n  static_configs:\n  - targets: [\"{}\"]\n",
        server.address
    );
    std::fs::write(&config, scrape).expect("a file");
    // A port that is free at the moment.
    let port =
        TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port();
    let address = format!("127.0.0.1:{port}");
    let mut command = Command::new("prometheus");
    command.arg(format!("--config.file={}", config.display()));
    command.arg(format!("--storage.tsdb.path={}", folder.join("data").display()));
    command.arg(format!("--web.listen-address={address}")).stdout(Stdio::null()).stderr(Stdio::null());
    let prometheus = Server { process: command.spawn().expect("prometheus"), address };
    let value = ask(&prometheus, "memtrack_stage_allocated_bytes_total{stage=\"keep\"}");
    let text = metrics(&server);
    assert_eq!(value, samples(&text)["memtrack_stage_allocated_bytes_total{stage=\"keep\"}"]);
    assert!(ask(&prometheus, "memtrack_live_bytes") >= 123_456.0);
    assert!(ask(&prometheus, "sum(memtrack_thread_live_bytes)") >= 123_456.0);
    // Prometheus has read the type and the help text of the family.
    let (_, families) =
        get(&prometheus.address, "/api/v1/metadata?metric=memtrack_peak_bytes").expect("an answer");
    assert!(families.contains("\"type\":\"gauge\"") && families.contains("Highest live bytes"), "{families}");
}

/// The value of an expression, as soon as Prometheus has it.
fn ask(prometheus: &Server, expression: &str) -> f64 {
    let escaped: String = expression.bytes().map(|byte| format!("%{byte:02x}")).collect();
    let begun = Instant::now();
    loop {
        let answer = get(&prometheus.address, &format!("/api/v1/query?query={escaped}"));
        // {"status":"success","data":{"resultType":"vector","result":[{"metric":{…},"value":[TIME,"VALUE"]}]}}
        let value = answer.as_ref().and_then(|(_, body)| {
            let (_, value) = body.split_once("\"value\":[")?;
            value.split('"').nth(1)?.parse().ok()
        });
        if let Some(value) = value {
            return value;
        }
        assert!(begun.elapsed() < PATIENCE, "no value of {expression}: {answer:?}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn is_there(program: &str) -> bool {
    let there = Command::new(program).arg("--version").output().is_ok();
    assert!(there || std::env::var("CI").as_deref() != Ok("true"), "{program} is missing, and CI=true");
    if !there {
        println!("skipped: needs {program} of the Debian package prometheus");
    }
    there
}
