//! debuginfod servers provide names, and are asked only if the user names them.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::Command;
use std::sync::mpsc;

use crate::binary::{build_id, has, printed, run};
use crate::program::{Place, Ran, command};

const SOURCE: &str = "#include <stdio.h>\n\
    __attribute__((noinline)) unsigned long here(void) { return (unsigned long)__builtin_return_address(0); }\n\
    __attribute__((noinline)) unsigned long basket(void) { unsigned long at = here(); __asm__(\"\"); return at; }\n\
    int main(void) { printf(\"basket 0x%lx\\n\", basket()); char line[512]; FILE *maps = fopen(\"/proc/self/maps\", \"r\");\n\
    while (fgets(line, sizeof line, maps)) fputs(line, stdout); return 0; }\n";

/// A stripped program, its dump, and `basket.debug`, the only file with names.
fn place() -> Place {
    let place = Place::with(b"");
    let flags = ["-O1", "-g", "-Wl,--build-id=sha1", "-fno-optimize-sibling-calls"];
    let program = place.compile("basket.c", SOURCE, "basket", &flags);
    place.file("dump.bin", &printed(&program).dump());
    let here = place.dir.path();
    run(Command::new("objcopy").args(["--only-keep-debug", "basket", "basket.debug"]).current_dir(here));
    run(Command::new("strip").arg(&program));
    place
}

fn asked(place: &Place, url: &str) -> Ran {
    let mut command = command(place.dir.path());
    command.args(["dump.bin", "-m", "allocs"]).env("DEBUGINFOD_URLS", url);
    command.env("DEBUGINFOD_CACHE_PATH", place.path("cache")).env("DEBUGINFOD_TIMEOUT", "20");
    let output = command.output().unwrap();
    Ran {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Answers requests one after the other, and sends the first line of each to the test.
fn server(answers: Vec<(&'static str, Vec<u8>)>) -> (String, mpsc::Receiver<String>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (sender, requests) = mpsc::channel();
    std::thread::spawn(move || {
        for (status, body) in answers {
            let Ok((mut stream, _)) = listener.accept() else { return };
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
            let first = lines.next().unwrap_or_default();
            // Skip the rest of the head.
            let _ = lines.find(String::is_empty);
            let length = body.len();
            let head = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
            let _ = sender.send(first);
        }
    });
    (url, requests)
}

fn hex(place: &Place) -> String {
    hex_of(place, "basket")
}

fn hex_of(place: &Place, name: &str) -> String {
    build_id(&place.path(name)).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_file_is_fetched_once_and_cached() {
    let place = place();
    assert!(place.run("dump.bin -m allocs").ok().starts_with("basket+0x"), "no server was named");
    let debug = std::fs::read(place.path("basket.debug")).unwrap();
    let (first, asked_first) = server(vec![("404 Not Found", b"no".to_vec())]);
    let (second, asked_second) = server(vec![("200 OK", debug)]);
    let both = format!("{first} {second}/");
    assert_eq!(asked(&place, &both).ok(), "basket 2\n");
    let line = format!("GET /buildid/{}/debuginfo HTTP/1.1", hex(&place));
    assert_eq!((asked_first.recv().unwrap(), asked_second.recv().unwrap()), (line.clone(), line));
    assert!(place.path("cache").join(hex(&place)).join("debuginfo").exists());
    // Both servers are gone by now.
    assert_eq!(asked(&place, &both).ok(), "basket 2\n");
}

#[test]
fn a_file_of_another_build_is_refused() {
    let place = place();
    let (url, _asked) = server(vec![("200 OK", std::fs::read("/proc/self/exe").unwrap())]);
    let ran = asked(&place, &url);
    assert!(ran.stdout.starts_with("basket+0x"), "{}", ran.stdout);
    assert!(ran.stderr.contains(&format!("{url} sent a file of another build")), "{}", ran.stderr);
}

#[test]
fn a_failing_server_is_named() {
    let place = place();
    let (url, _asked) = server(vec![("500 Internal Server Error", Vec::new())]);
    let ran = asked(&place, &url);
    assert_eq!(ran.code, 0);
    assert!(ran.stderr.contains(&format!("{url} failed: ")), "{}", ran.stderr);
    // No server is asked about a binary that has names of its own.
    let named = Place::with(b"");
    let program = named.compile("basket.c", SOURCE, "basket", &["-O1", "-g", "-Wl,--build-id=sha1"]);
    named.file("dump.bin", &printed(&program).dump());
    assert!(!asked(&named, "http://127.0.0.1:9").stderr.contains("127.0.0.1:9"));
}

#[test]
fn a_slow_server_is_abandoned() {
    let place = place();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let head = "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n\x7fELF";
        // Sends until the client closes the connection.
        let mut sent = stream.write_all(head.as_bytes());
        while sent.is_ok() {
            std::thread::sleep(std::time::Duration::from_millis(20));
            sent = stream.write_all(&[2]);
        }
    });
    let mut command = command(place.dir.path());
    command.args(["dump.bin", "-m", "allocs"]).env("DEBUGINFOD_URLS", &url);
    let output =
        command.env("DEBUGINFOD_CACHE_PATH", place.path("cache")).env("DEBUGINFOD_TIMEOUT", "1").output();
    let output = output.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && output.stdout.starts_with(b"basket+0x"), "{said}");
    assert!(said.contains(&format!("{url} failed: ")) && said.contains("DEBUGINFOD_TIMEOUT"), "{said}");
    let kept = std::fs::read_dir(place.path("cache")).map_or(0, Iterator::count);
    assert_eq!(kept, 0, "nothing incomplete is kept");
}

#[test]
fn a_file_of_another_build_is_not_cached() {
    let place = place();
    let (url, _asked) = server(vec![("200 OK", std::fs::read("/proc/self/exe").unwrap())]);
    assert!(asked(&place, &url).stdout.starts_with("basket+0x"));
    assert!(!place.path("cache").join(hex(&place)).exists());
}

/// The real server listens on all interfaces, so it runs in a network with nothing but the loopback
/// interface.
#[test]
fn debuginfod_has_the_names() {
    if !has("debuginfod") || !alone(Path::new("/"), "true") {
        println!("skipped: needs debuginfod, and permission to create a network");
        return;
    }
    let place = place();
    let script = format!(
        "DEBUGINFOD_URLS= debuginfod -p 8002 -d files.sqlite -F . >server.log 2>&1 & server=$!\n\
         for i in $(seq 300); do grep -q 'groomed database' server.log && break; sleep 0.1; done\n\
         DEBUGINFOD_CACHE_PATH=own '{}' dump.bin -m allocs >names.txt 2>errors.txt; kill $server; wait $server; true",
        env!("CARGO_BIN_EXE_memtrack-fold")
    );
    std::fs::rename(place.path("basket"), place.path("elsewhere")).unwrap();
    assert!(alone(place.dir.path(), &script));
    let read = |name| std::fs::read_to_string(place.path(name)).unwrap();
    assert!(
        place.path("own").join(hex_of(&place, "elsewhere")).join("debuginfo").exists(),
        "from the server"
    );
    assert_eq!(read("names.txt"), "basket 2\n", "{} {}", read("errors.txt"), read("server.log"));
}

/// Runs a script in a network that has only its own loopback interface.
fn alone(dir: &Path, script: &str) -> bool {
    let script = format!("ip link set lo up || exit 1\n{script}");
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "--net", "sh", "-c", &script]).current_dir(dir);
    command.env("DEBUGINFOD_URLS", "http://127.0.0.1:8002").env("DEBUGINFOD_CACHE_PATH", dir.join("cache"));
    command
        .env("DEBUGINFOD_TIMEOUT", "5")
        .env("HOME", dir)
        .output()
        .is_ok_and(|output| output.status.success())
}
