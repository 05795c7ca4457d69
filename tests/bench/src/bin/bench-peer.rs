//! Two TFTP servers that are libraries, each as the smallest program around it, and the least that any server can do:
//! `bench-peer async-tftp|rs-tftpd|bare DIRECTORY`. They serve the directory at 127.0.0.1 port 69, read-only; the last only its
//! file `file`.

use std::env;
use std::error::Error;
use std::path::Path;

use nextboot_bench::tftp::bare;

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
        ["bare", directory] => Ok(bare::serve(&Path::new(directory).join("file"))?),
        _ => Err("usage: bench-peer async-tftp|rs-tftpd|bare DIRECTORY".into()),
    }
}
