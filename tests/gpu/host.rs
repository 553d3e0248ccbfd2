//! The kernels on the processor: an [`Accelerator`] that talks to `host.cpp`.

use std::cell::{Cell, RefCell};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::rc::Rc;

use zoobench::kernels::gpu::{Accelerator, Argument, Blocks, Format, Kernel};

/// Builds `host.cpp` in a folder, with the network's kernels in a format if one is given, as twins or in blocks; `None`
/// without a C++ compiler.
pub fn program(folder: &Path, format: Option<Format>) -> Option<PathBuf> {
    build(folder, format, format.map_or("kernels", Format::name), "")
}

/// As [`program`], the network's kernels as they are, thread by thread of a block.
pub fn program_in_blocks(folder: &Path, format: Format) -> Option<PathBuf> {
    build(folder, Some(format), &format!("{}-blocks", format.name()), "-DBLOCKS")
}

fn build(folder: &Path, format: Option<Format>, name: &str, more: &str) -> Option<PathBuf> {
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/gpu/host.cpp");
    let compiler = std::env::var("CXX").unwrap_or_else(|_| "c++".to_owned());
    let program = folder.join(name);
    let format = format.map(|format| format!("-DELEMENT={} -O3 -march=native", format as usize)).unwrap_or_default();
    let options = "-std=c++17 -O2 -g -Wall -Wextra -Werror -Wno-unknown-pragmas -ffp-contract=off \
                   -fsanitize=address,undefined -fno-sanitize-recover=all";
    let options = options.split_whitespace().chain(format.split_whitespace()).chain(more.split_whitespace());
    let built = Command::new(&compiler).args(options).arg(source).arg("-o").arg(&program).status();
    match built {
        Ok(status) => {
            assert!(status.success(), "{compiler} does not compile the kernels for this processor");
            Some(program)
        }
        Err(_) => None,
    }
}

/// A process of that program.
pub struct Host {
    child: RefCell<Child>,
    to: Rc<RefCell<BufWriter<ChildStdin>>>,
    from: RefCell<BufReader<ChildStdout>>,
    buffers: Cell<usize>,
    /// Whether the last of a kernel's threads runs first.
    backwards: bool,
    /// Threads a kernel has at most.
    threads: usize,
    /// Names of the kernels that were run.
    pub launched: RefCell<Vec<&'static str>>,
}

/// Memory of that process.
pub struct Buffer {
    number: usize,
    words: usize,
    to: Rc<RefCell<BufWriter<ChildStdin>>>,
}

impl Drop for Buffer {
    fn drop(&mut self) {
        // A process that has ended has given back everything.
        let _ = writeln!(self.to.borrow_mut(), "F {}", self.number);
    }
}

impl Host {
    pub fn start(program: &Path, backwards: bool, threads: usize) -> Self {
        let child = Command::new(program).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = child.expect("it was just built");
        let to = child.stdin.take().expect("it is piped");
        let from = child.stdout.take().expect("it is piped");
        Self {
            child: RefCell::new(child),
            to: Rc::new(RefCell::new(BufWriter::with_capacity(1 << 20, to))),
            from: RefCell::new(BufReader::new(from)),
            buffers: Cell::new(0),
            backwards,
            threads,
            launched: RefCell::default(),
        }
    }

    /// A buffer of words.
    pub fn buffer(&self, words: &[u32]) -> Buffer {
        let buffer = self.zeroed(words.len()).expect("the process lives");
        self.write(&buffer, words).expect("the process lives");
        buffer
    }

    /// A buffer of real numbers.
    pub fn floats(&self, values: &[f32]) -> Buffer {
        self.buffer(&values.iter().map(|value| value.to_bits()).collect::<Vec<_>>())
    }

    /// How the process ends that was told something it cannot do.
    pub fn end(&self) -> std::process::ExitStatus {
        // It may have ended before it read everything.
        let _ = self.to.borrow_mut().flush();
        self.child.borrow_mut().wait().expect("a child")
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let mut child = self.child.borrow_mut();
        let _ = child.kill().and_then(|()| child.wait().map(drop));
    }
}

impl Accelerator for Host {
    type Buffer = Buffer;
    type Error = io::Error;

    fn words(&self, buffer: &Buffer) -> usize {
        buffer.words
    }

    fn zeroed(&self, words: usize) -> io::Result<Buffer> {
        writeln!(self.to.borrow_mut(), "A {words}")?;
        let number = self.buffers.replace(self.buffers.get() + 1);
        Ok(Buffer { number, words, to: self.to.clone() })
    }

    fn read(&self, buffer: &Buffer, words: usize) -> io::Result<Vec<u32>> {
        writeln!(self.to.borrow_mut(), "R {} {words}", buffer.number)?;
        self.to.borrow_mut().flush()?;
        let mut bytes = vec![0; 4 * words];
        self.from.borrow_mut().read_exact(&mut bytes)?;
        Ok(bytes.chunks_exact(4).map(|word| u32::from_le_bytes(word.try_into().expect("four bytes"))).collect())
    }

    fn write(&self, buffer: &Buffer, words: &[u32]) -> io::Result<()> {
        assert!(buffer.words >= words.len(), "{} words into {}", words.len(), buffer.words);
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        let mut to = self.to.borrow_mut();
        writeln!(to, "W {} {}", buffer.number, words.len())?;
        to.write_all(&bytes)
    }

    #[allow(unsafe_code)]
    unsafe fn launch(&self, kernel: Kernel, threads: usize, arguments: &[Argument<'_, Buffer>]) -> io::Result<()> {
        self.launched.borrow_mut().push(kernel.name);
        let threads = threads.clamp(1, self.threads);
        let (name, backwards) = (kernel.name, u8::from(self.backwards));
        writeln!(self.to.borrow_mut(), "L {name} {threads} {backwards}{}", words(arguments))
    }

    #[allow(unsafe_code)]
    unsafe fn launch_blocks(
        &self,
        kernel: Kernel,
        blocks: Blocks,
        arguments: &[Argument<'_, Buffer>],
    ) -> io::Result<()> {
        self.launched.borrow_mut().push(kernel.name);
        let (name, [x, y, z]) = (kernel.name, blocks.grid);
        let Blocks { threads, shared_bytes, .. } = blocks;
        writeln!(self.to.borrow_mut(), "B {name} {x} {y} {z} {threads} {shared_bytes}{}", words(arguments))
    }
}

/// Arguments as the program reads them.
fn words(arguments: &[Argument<'_, Buffer>]) -> String {
    let word = |argument: &Argument<'_, Buffer>| match argument {
        Argument::Words(buffer, offset) => format!(" w{}:{offset}", buffer.number),
        Argument::U32(number) => format!(" u{number}"),
        Argument::U64(number) => format!(" l{number}"),
        Argument::F32(number) => format!(" f{}", number.to_bits()),
    };
    arguments.iter().map(word).collect()
}
