//! `memtrack-fold top`.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use memtrack_host_tools::exit::Exit;
use memtrack_host_tools::top::{Source, Top, draw, text};
use memtrack_host_tools::{Error, output};
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use crate::args;
use crate::outcome::Outcome;

/// The size of the text if there is no terminal.
const SIZE: (u16, u16) = (120, 40);

pub fn run(args: &args::Top) -> Outcome {
    let source = Source::find(&args.target)?;
    let mut top = Top::new(source, args.metric, args.names.options());
    top.refresh()?;
    if args.once || !std::io::stdout().is_terminal() {
        let terminal = std::io::stdout().is_terminal().then(|| ratatui::crossterm::terminal::size().ok());
        let (width, height) = terminal.flatten().unwrap_or(SIZE);
        let Ok(frame) = text(&top, width.max(40), height.max(20));
        output::write(None, |out| Ok(out.write_all(frame.as_bytes())))?;
        return Ok(Exit::Done);
    }
    let interval = Duration::from_secs_f64(args.interval);
    let mut terminal = ratatui::try_init().map_err(terminal_error)?;
    let result = show(&mut top, &mut terminal, interval);
    ratatui::restore();
    result.map(|()| Exit::Done)
}

/// Shows the view until the user quits.
fn show(top: &mut Top, terminal: &mut ratatui::DefaultTerminal, interval: Duration) -> Result<(), Error> {
    let mut next = Instant::now() + interval;
    loop {
        terminal.draw(|frame| draw(top, frame)).map_err(terminal_error)?;
        if event::poll(next.saturating_duration_since(Instant::now())).map_err(terminal_error)? {
            if let Event::Key(key) = event::read().map_err(terminal_error)?
                && key.kind == KeyEventKind::Press
            {
                match key {
                    KeyEvent { code: KeyCode::Char('q') | KeyCode::Esc, .. } => return Ok(()),
                    KeyEvent { code: KeyCode::Char('c'), modifiers: KeyModifiers::CONTROL, .. } => {
                        return Ok(());
                    }
                    KeyEvent { code: KeyCode::Char('m'), .. } => top.next_metric()?,
                    KeyEvent { code: KeyCode::Char('s'), .. } => top.next_order(),
                    _ => {}
                }
            }
        } else {
            top.refresh()?;
            next = Instant::now() + interval;
        }
    }
}

fn terminal_error(source: std::io::Error) -> Error {
    Error::Write { path: "the terminal".into(), source }
}
