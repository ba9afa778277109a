//! Draws the screen: totals on top, then live bytes over time, then threads beside stages, then the largest
//! stacks.

use std::cmp::Reverse;

use ratatui::Frame;
use ratatui::backend::TestBackend;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders, Cell, Paragraph, Row, Sparkline, Table};

use super::shot::{Shot, Stack};
use super::view::{Order, Top};
use crate::units::{bytes, count, duration, percent};

/// Rows of the timeline, and of the tables of threads and stages, with headings and borders. In a low
/// terminal there are fewer.
const ROWS: [u16; 2] = [6, 10];
const ROWS_IF_LOW: [u16; 2] = [0, 7];
/// A terminal with fewer rows than this is low.
const LOW: u16 = 30;
const HELP: &str = " q quit  m metric  s sort ";

/// Draws the view.
pub fn draw(top: &Top, frame: &mut Frame<'_>) {
    let Some(shot) = &top.shot else { return };
    let [timeline, tables] = if frame.area().height < LOW { ROWS_IF_LOW } else { ROWS };
    let rows = [
        Constraint::Length(4),
        Constraint::Length(timeline),
        Constraint::Length(tables),
        Constraint::Min(3),
        Constraint::Length(1),
    ];
    let [head, line, tables, stacks, help] = Layout::vertical(rows).areas(frame.area());
    let [threads, stages] = Layout::horizontal([Constraint::Percentage(50); 2]).areas(tables);
    frame.render_widget(Paragraph::new(totals(top, shot)), head);
    draw_timeline(shot, frame, line);
    frame.render_widget(thread_table(top, shot), threads);
    frame.render_widget(stage_table(top, shot), stages);
    frame.render_widget(stack_table(top, shot, stacks), stacks);
    let order = if top.order == Order::Figure { "value" } else { "name" };
    let text = format!("{HELP}  {} by {order}", shot.metric.name());
    frame.render_widget(Paragraph::new(text).style(Style::new().add_modifier(Modifier::REVERSED)), help);
}

/// One frame as plain text.
///
/// # Errors
/// None: drawing into memory can't fail.
pub fn text(top: &Top, width: u16, height: u16) -> Result<String, std::convert::Infallible> {
    let mut terminal = ratatui::Terminal::new(TestBackend::new(width, height))?;
    terminal.draw(|frame| draw(top, frame))?;
    let buffer = terminal.backend().buffer();
    let mut text = String::new();
    for row in buffer.content.chunks(usize::from(width).max(1)) {
        let line: String = row.iter().map(ratatui::buffer::Cell::symbol).collect();
        text.push_str(line.trim_end());
        text.push('\n');
    }
    Ok(text)
}

fn totals<'s>(top: &Top, shot: &'s Shot) -> Vec<Line<'s>> {
    let figures = &shot.marks.figures;
    let bold = Style::new().add_modifier(Modifier::BOLD);
    let (state, color) = if shot.running { ("running", Color::Green) } else { ("ended", Color::Yellow) };
    let mut rates = String::new();
    if let Some([allocs, size]) = top.rates.filter(|_| shot.running) {
        rates = format!("   {}/s in {} allocations/s", bytes(size as u64), count(allocs as u64));
    }
    let losses = match &shot.losses {
        Some(losses) => Span::styled(losses.clone(), Style::new().fg(Color::Red)),
        None => Span::raw("no losses"),
    };
    vec![
        Line::from(vec![
            Span::styled(shot.program.name.clone(), bold),
            Span::raw(format!("  pid {}  ", shot.program.pid)),
            Span::styled(state, Style::new().fg(color)),
            Span::raw(format!("  after {}", duration(shot.time_ns))),
        ]),
        Line::from(format!(
            "live {} in {} blocks   peak {}   {} ago",
            bytes(figures.live),
            count(figures.live_blocks),
            bytes(figures.peak),
            duration(shot.time_ns.saturating_sub(shot.marks.peak_time_ns)),
        )),
        Line::from(format!(
            "allocated {} in {} allocations{rates}",
            bytes(figures.bytes),
            count(figures.allocs)
        )),
        Line::from(losses),
    ]
}

fn draw_timeline(shot: &Shot, frame: &mut Frame<'_>, area: Rect) {
    let most = shot.timeline.iter().map(|point| point.high).max().unwrap_or(0);
    let title = format!(" live over time, up to {} ", bytes(most));
    let width = usize::from(area.width.saturating_sub(2));
    let bars = columns(shot, width);
    let block = Block::new().borders(Borders::ALL).title(title);
    frame.render_widget(
        Sparkline::default().block(block).data(bars).style(Style::new().fg(Color::Cyan)),
        area,
    );
}

/// The highest live bytes in each of `width` equal spans of time. A span without a point has the value of the
/// one before.
fn columns(shot: &Shot, width: usize) -> Vec<u64> {
    let (mut highs, end) = (vec![None; width], u128::from(shot.time_ns.max(1)));
    for point in &shot.timeline {
        let column = (u128::from(point.time_ns) * width as u128 / end).min(width.saturating_sub(1) as u128);
        if let Some(high) = highs.get_mut(column as usize) {
            *high = Some(point.high.max(high.unwrap_or(0)));
        }
    }
    let mut last = 0;
    highs
        .into_iter()
        .map(|high| {
            last = high.unwrap_or(last);
            last
        })
        .collect()
}

fn table<'t>(title: String, headings: [&'static str; 4], rows: Vec<[String; 4]>) -> Table<'t> {
    let widths = [Constraint::Min(8), Constraint::Length(10), Constraint::Length(10), Constraint::Length(10)];
    let right = |cell: String| Cell::from(Line::from(cell).right_aligned());
    let row = |[name, a, b, c]: [String; 4]| Row::new([Cell::from(name), right(a), right(b), right(c)]);
    let header = row(headings.map(String::from)).style(Style::new().add_modifier(Modifier::BOLD));
    let block = Block::new().borders(Borders::ALL).title(title);
    Table::new(rows.into_iter().map(row), widths).header(header).block(block)
}

fn thread_table<'t>(top: &Top, shot: &Shot) -> Table<'t> {
    let mut threads: Vec<_> = shot.threads.iter().collect();
    match top.order {
        Order::Figure => threads.sort_by_key(|thread| Reverse(shot.metric.of(&thread.figures))),
        Order::Name => threads.sort_by(|a, b| a.label.cmp(&b.label)),
    }
    let row = |thread: &&crate::profile::Thread| {
        let value = shot.metric.human(shot.metric.of(&thread.figures));
        [thread.label.clone(), value, bytes(thread.figures.live), bytes(thread.own_peak)]
    };
    let rows = threads.iter().map(row).collect();
    let title = format!(" {} threads ", count(shot.threads.len() as u64));
    table(title, ["thread", shot.metric.name(), "live", "own peak"], rows)
}

fn stage_table<'t>(top: &Top, shot: &Shot) -> Table<'t> {
    let mut stages: Vec<_> = shot.stages.iter().collect();
    match top.order {
        // Running stages come first.
        Order::Figure => stages.sort_by_key(|of| (!of.figures.running, Reverse(of.figures.peak))),
        Order::Name => stages.sort_by(|a, b| a.name.cmp(&b.name)),
    }
    let row = |stage: &&crate::profile::Stage| {
        let running = if stage.figures.running { "▶ " } else { "" };
        let of = &stage.figures;
        [format!("{running}{}", stage.name), bytes(of.peak), duration(of.duration_ns), count(of.runs)]
    };
    let rows = stages.iter().map(row).collect();
    let title = format!(" {} stages ", count(shot.stages.len() as u64));
    table(title, ["stage", "peak", "time", "runs"], rows)
}

fn stack_table<'t>(top: &Top, shot: &Shot, area: Rect) -> Table<'t> {
    let fit = usize::from(area.height.saturating_sub(3));
    let mut stacks: Vec<_> = shot.stacks.iter().collect();
    if top.order == Order::Name {
        // The metric selects the stacks that fit; the name sorts only those.
        stacks.truncate(fit);
        stacks.sort_by(|a, b| a.names.cmp(&b.names));
    }
    let row = |stack: &&Stack| {
        let names = if stack.names.is_empty() { "[no stack]".into() } else { stack.names.join(" ← ") };
        Row::new([
            Cell::from(Line::from(shot.metric.human(stack.value)).right_aligned()),
            Cell::from(Line::from(percent(stack.value, shot.total)).right_aligned()),
            Cell::from(names),
        ])
    };
    let rows: Vec<_> = stacks.iter().take(fit).map(row).collect();
    let widths = [Constraint::Length(10), Constraint::Length(6), Constraint::Min(20)];
    let title =
        format!(" {} of {} stacks by {} ", rows.len(), count(shot.all_stacks as u64), shot.metric.title());
    let header = Row::new([shot.metric.name(), "", "innermost function first"])
        .style(Style::new().add_modifier(Modifier::BOLD));
    Table::new(rows, widths).header(header).block(Block::new().borders(Borders::ALL).title(title))
}
