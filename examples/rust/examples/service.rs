//! A tokio service: the bytes of each request are under a tag of their own, whichever worker runs it.
//!
//! ```text
//! MEMTRACK_DUMP=service.memtrack cargo run --release -p memtrack-examples --example service
//! memtrack-fold service.memtrack --tag upload -m bytes -o upload.svg
//! ```

use memtrack::Tracker;
use std::alloc::System;
use std::io;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

#[global_allocator]
static HEAP: Tracker<System> = Tracker::new(System);

#[tokio::main]
async fn main() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(serve(listener));
    let clients = (0..20).map(|i| tokio::spawn(client(address, i)));
    for client in clients.collect::<Vec<_>>() {
        println!("{}", client.await??);
    }
    println!("{}", HEAP.report());
    Ok(())
}

async fn serve(listener: TcpListener) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        // The tag moves with the task.
        tokio::spawn(HEAP.tagged_as("request", answer(stream)));
    }
}

/// `SIZE\n` and that many bytes, or `hello\n`.
async fn answer(stream: TcpStream) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    stream.read_line(&mut line).await?;
    let reply = match line.trim().parse() {
        // A second tag inside of the request.
        Ok(size) => HEAP.tagged_as("upload", upload(&mut stream, size)).await?,
        Err(_) => format!("{} to you", line.trim()),
    };
    stream.write_all(reply.as_bytes()).await
}

async fn upload(stream: &mut BufReader<TcpStream>, size: usize) -> io::Result<String> {
    let mut body = vec![0; size.min(1 << 20)];
    stream.read_exact(&mut body).await?;
    Ok(format!("{} bytes, the last is {}", body.len(), body.last().copied().unwrap_or(0)))
}

async fn client(address: std::net::SocketAddr, number: usize) -> io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    match number % 2 {
        0 => stream.write_all(b"hello\n").await?,
        _ => {
            let size = number * 1000;
            stream.write_all(format!("{size}\n").as_bytes()).await?;
            stream.write_all(&vec![number as u8; size]).await?;
        }
    }
    let mut reply = String::new();
    stream.read_to_string(&mut reply).await?;
    Ok(reply)
}
