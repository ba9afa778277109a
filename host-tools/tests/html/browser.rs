//! Drives a headless browser through WebDriver.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::wire;

/// The key under which WebDriver returns elements.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

pub const ENTER: &str = "\u{e007}";
pub const ESCAPE: &str = "\u{e00c}";
pub const DOWN: &str = "\u{e015}";
pub const RIGHT: &str = "\u{e014}";
pub const BACKSPACE: &str = "\u{e003}";

/// A driver, with one browser that shows one page.
pub struct Browser {
    driver: Child,
    port: u16,
    session: String,
    /// The browser's own files, which are deleted with it.
    _profile: tempfile::TempDir,
}

impl Browser {
    /// Starts a browser; `None` if the machine has none.
    ///
    /// # Panics
    /// If it does not start, or if it is missing and `CI=true`.
    pub fn start(width: u32, height: u32) -> Option<Self> {
        let started = Command::new("chromedriver").arg("--port=0").stdout(Stdio::piped()).spawn();
        let mut driver = match started {
            Ok(driver) => driver,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                assert!(std::env::var("CI").as_deref() != Ok("true"), "chromedriver is missing, and CI=true");
                println!("skipped: needs chromedriver of the Debian package chromium-driver");
                return None;
            }
            Err(error) => panic!("chromedriver: {error}"),
        };
        let lines = BufReader::new(driver.stdout.take().unwrap()).lines().map_while(Result::ok);
        let port = lines.filter_map(|line| port_in(&line)).next().expect("it says its port");
        let profile = tempfile::tempdir().unwrap();
        let arguments = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            &format!("--user-data-dir={}", profile.path().display()),
            &format!("--window-size={width},{height}"),
        ];
        let options = json!({ "goog:chromeOptions": { "args": arguments } });
        let mut browser = Browser { driver, port, session: String::new(), _profile: profile };
        let session =
            browser.call("POST", "/session", Some(json!({ "capabilities": { "alwaysMatch": options } })));
        browser.session = session["sessionId"].as_str().expect("a session").into();
        Some(browser)
    }

    /// Shows a file.
    pub fn open(&self, file: &Path) {
        self.post("url", json!({ "url": format!("file://{}", file.display()) }));
    }

    /// Shows a file, with a fragment (`#…`) behind its address.
    pub fn open_at(&self, file: &Path, fragment: &str) {
        self.post("url", json!({ "url": format!("file://{}{fragment}", file.display()) }));
    }

    /// Evaluates an expression in the page.
    pub fn value(&self, expression: &str) -> Value {
        self.post("execute/sync", json!({ "script": format!("return {expression}"), "args": [] }))
    }

    /// Waits until an expression is the expected text, and returns it.
    ///
    /// # Panics
    /// If that takes longer than a minute.
    #[track_caller]
    pub fn until(&self, expression: &str, is_there: impl Fn(&str) -> bool) -> String {
        const PATIENCE: Duration = Duration::from_secs(60);
        const PAUSE: Duration = Duration::from_millis(50);
        let start = Instant::now();
        loop {
            let text = self.value(expression).as_str().unwrap_or_default().to_owned();
            if is_there(&text) {
                return text;
            }
            assert!(start.elapsed() < PATIENCE, "{expression} stays {text}");
            std::thread::sleep(PAUSE);
        }
    }

    /// The visible text of the first element that a selector finds.
    pub fn text(&self, selector: &str) -> String {
        let element = self.find(selector);
        self.get(&format!("element/{element}/text")).as_str().expect("text").into()
    }

    /// The text of every element that a selector finds.
    pub fn texts(&self, selector: &str) -> Vec<String> {
        let list = self
            .value(&format!("[...document.querySelectorAll({})].map(e => e.textContent)", json!(selector)));
        list.as_array().unwrap().iter().map(|text| text.as_str().unwrap().into()).collect()
    }

    pub fn click(&self, selector: &str) {
        let element = self.find(selector);
        self.post(&format!("element/{element}/click"), json!({}));
    }

    /// Clicks into an element, `x` pixels right of its centre and `y` pixels below it.
    pub fn click_at(&self, selector: &str, x: i64, y: i64) {
        let origin = json!({ ELEMENT: self.find(selector) });
        let actions = json!([
            { "type": "pointerMove", "origin": origin, "x": x, "y": y },
            { "type": "pointerDown", "button": 0 },
            { "type": "pointerUp", "button": 0 },
        ]);
        let mouse = json!({ "type": "pointer", "id": "mouse", "parameters": { "pointerType": "mouse" }, "actions": actions });
        self.post("actions", json!({ "actions": [mouse] }));
    }

    /// Drags in an element, from `from` to `to`, in pixels right of its centre.
    pub fn drag(&self, selector: &str, from: i64, to: i64) {
        let origin = json!({ ELEMENT: self.find(selector) });
        let actions = json!([
            { "type": "pointerMove", "origin": origin, "x": from, "y": 0 },
            { "type": "pointerDown", "button": 0 },
            { "type": "pointerMove", "origin": origin, "x": to, "y": 0 },
            { "type": "pointerUp", "button": 0 },
        ]);
        let mouse = json!({ "type": "pointer", "id": "mouse", "parameters": { "pointerType": "mouse" }, "actions": actions });
        self.post("actions", json!({ "actions": [mouse] }));
    }

    /// Types into an element.
    pub fn keys(&self, selector: &str, text: &str) {
        let element = self.find(selector);
        self.post(&format!("element/{element}/value"), json!({ "text": text }));
    }

    /// Selects an option of a list by its text.
    pub fn pick(&self, selector: &str, option: &str) {
        self.keys(selector, option);
    }

    /// The first element that a selector finds.
    fn find(&self, selector: &str) -> String {
        let found = self.post("element", json!({ "using": "css selector", "value": selector }));
        found[ELEMENT].as_str().expect("an element").into()
    }

    fn post(&self, what: &str, body: Value) -> Value {
        self.call("POST", &format!("/session/{}/{what}", self.session), Some(body))
    }

    fn get(&self, what: &str) -> Value {
        self.call("GET", &format!("/session/{}/{what}", self.session), None)
    }

    #[track_caller]
    fn call(&self, method: &str, path: &str, body: Option<Value>) -> Value {
        let (status, mut answer) =
            wire::request(self.port, method, path, body.as_ref()).expect("the driver answers");
        assert_eq!(status, 200, "{method} {path} {body:?}: {answer}");
        answer["value"].take()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // This ends the browser. Then the driver is idle and can be killed.
        let _ = wire::request(self.port, "DELETE", &format!("/session/{}", self.session), None);
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// `ChromeDriver was started successfully on port 41234.`
fn port_in(line: &str) -> Option<u16> {
    line.split_once("successfully on port ")?.1.trim_end_matches('.').parse().ok()
}
