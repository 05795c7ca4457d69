//! Two TFTP servers that are libraries, each as the smallest program around it: `bench-peer async-tftp|rs-tftpd DIRECTORY`.
//! They serve the directory at 127.0.0.1 port 69, read-only.

use std::env;
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["async-tftp", directory] => {
            let server =
                async_tftp::server::TftpServerBuilder::with_dir_ro(directory)?.bind("127.0.0.1:69".parse()?);
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            Ok(runtime.block_on(async { server.build().await?.serve().await })?)
        }
        ["rs-tftpd", directory] => {
            let words = ["rs-tftpd", "-i", "127.0.0.1", "-p", "69", "-r", "-d", directory];
            let config = tftpd::Config::new(words.map(str::to_owned).into_iter())?;
            tftpd::Server::new(&config)?.listen();
            Ok(())
        }
        _ => Err("usage: bench-peer async-tftp|rs-tftpd DIRECTORY".into()),
    }
}
