//! Runs program and library on dumps that are built here, and on real binaries that are compiled here.

mod binary;
mod bounds;
mod check;
mod compiled;
mod damage;
mod debug_files;
mod diff;
mod dumps;
mod exports;
mod foreign;
mod formats;
mod identity;
mod info;
mod languages;
mod merge;
mod modules;
mod output;
mod program;
mod serve;
mod servers;
mod stages;
mod suppressions;
mod symbols;
mod text;
mod usage;
mod views;
