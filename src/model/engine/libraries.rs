//! NVIDIA's libraries, looked for as the loader would, but not loaded.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

/// Endings of a library's name that cudarc tries when it loads one, `lib<name>.so` before them.
const VERSIONS: [&str; 7] = ["", ".13", ".12", ".11", ".10", ".9", ".1"];

/// Folders that the loader looks into last.
const STANDARD: [&str; 8] = [
    "/lib/x86_64-linux-gnu",
    "/usr/lib/x86_64-linux-gnu",
    "/lib/aarch64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
    "/lib64",
    "/usr/lib64",
    "/lib",
    "/usr/lib",
];

/// Where the loader keeps the paths of what is installed.
const CACHE: &str = "/etc/ld.so.cache";

/// One of NVIDIA's libraries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Library {
    /// Its name, as in `lib<name>.so`.
    pub name: &'static str,
    /// What it is.
    pub title: &'static str,
    need: Need,
    /// The wheel that carries it; none for the driver's own.
    pub wheel: Option<Wheel>,
}

/// A package of PyPI that carries libraries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wheel {
    /// Its name.
    pub package: &'static str,
    /// Where it puts them, below `site-packages`.
    pub folder: &'static str,
}

const CUDNN_WHEEL: Option<Wheel> = Some(Wheel { package: "nvidia-cudnn-cu13", folder: "nvidia/cudnn/lib" });

const fn toolkit(package: &'static str) -> Option<Wheel> {
    Some(Wheel { package, folder: "nvidia/cu13/lib" })
}

/// When a library is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Need {
    Always,
    /// By binaries with the feature `cudnn`.
    Cudnn,
    /// By what is compiled at run time; a binary of ours starts without.
    Seldom,
}

impl Library {
    /// All that CUDA builds may load, the driver's first.
    pub const ALL: [Self; 7] = [
        Self { name: "cuda", title: "driver", need: Need::Always, wheel: None },
        Self { name: "cublas", title: "cuBLAS", need: Need::Always, wheel: toolkit("nvidia-cublas") },
        Self { name: "cublasLt", title: "cuBLASLt", need: Need::Always, wheel: toolkit("nvidia-cublas") },
        Self { name: "curand", title: "cuRAND", need: Need::Always, wheel: toolkit("nvidia-curand") },
        Self { name: "cudnn", title: "cuDNN", need: Need::Cudnn, wheel: CUDNN_WHEEL },
        Self { name: "nvrtc", title: "NVRTC", need: Need::Seldom, wheel: toolkit("nvidia-cuda-nvrtc") },
        Self { name: "cudart", title: "cudart", need: Need::Seldom, wheel: toolkit("nvidia-cuda-runtime") },
    ];

    /// Whether a binary, with or without the feature `cudnn`, opens no GPU without it.
    pub fn is_needed(&self, cudnn: bool) -> bool {
        match self.need {
            Need::Always => true,
            Need::Cudnn => cudnn,
            Need::Seldom => false,
        }
    }

    /// Whether it comes with the driver.
    pub fn is_driver(&self) -> bool {
        self.wheel.is_none()
    }

    /// The file's usual name.
    pub fn file(&self) -> String {
        let version = if self.is_driver() { ".1" } else { "" };
        format!("lib{}.so{version}", self.name)
    }
}

/// Where shared libraries are looked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SearchPath {
    /// Files that are known by their path: what this process has loaded, and the loader's cache.
    pub files: Vec<PathBuf>,
    /// Folders.
    pub folders: Vec<PathBuf>,
}

impl SearchPath {
    /// This process's; `None` where libraries are not found as Linux finds them.
    pub fn of_system() -> Option<Self> {
        if !cfg!(target_os = "linux") {
            return None;
        }
        let loaded = fs::read_to_string("/proc/self/maps").unwrap_or_default();
        let cache = fs::read(CACHE).unwrap_or_default();
        let given = env::var_os("LD_LIBRARY_PATH").unwrap_or_default();
        Some(Self {
            files: mapped(&loaded).chain(cached(&cache)).collect(),
            folders: env::split_paths(&given).chain(STANDARD.map(PathBuf::from)).collect(),
        })
    }

    /// The file that would be loaded.
    pub fn find(&self, library: &Library) -> Option<PathBuf> {
        let names = VERSIONS.map(|version| format!("lib{}.so{version}", library.name));
        let in_folder = |name: &String| self.folders.iter().map(|folder| folder.join(name)).find(|path| path.is_file());
        let known = |name: &String| {
            let is_named = |path: &&PathBuf| path.file_name() == Some(OsStr::new(name));
            self.files.iter().filter(is_named).find(|path| path.is_file()).cloned()
        };
        names.iter().find_map(|name| in_folder(name).or_else(|| known(name)))
    }
}

/// Files that `/proc/<process>/maps` names (proc(5)).
fn mapped(maps: &str) -> impl Iterator<Item = PathBuf> + '_ {
    maps.lines().filter_map(|line| line.find('/').map(|start| PathBuf::from(&line[start..])))
}

/// Paths in the loader's cache, whose strings end in zero bytes.
fn cached(cache: &[u8]) -> impl Iterator<Item = PathBuf> + '_ {
    let strings = cache.split(|&byte| byte == 0).filter_map(|bytes| std::str::from_utf8(bytes).ok());
    strings.filter(|text| text.starts_with('/')).map(|text| Path::new(text).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CUDNN: Library = Library::ALL[4];

    #[test]
    fn a_library_is_found_where_the_loader_would_find_it() {
        let place = tempfile::tempdir().expect("a temporary folder");
        let (first, second) = (place.path().join("first"), place.path().join("second"));
        let (plain, versioned) = (first.join("libcudnn.so"), second.join("libcudnn.so.9"));
        for folder in [&first, &second] {
            fs::create_dir(folder).expect("a folder");
        }
        let path = SearchPath { folders: vec![first], files: vec![versioned.clone()] };
        assert_eq!(path.find(&CUDNN), None, "a path whose file is gone");
        fs::write(&versioned, b"").expect("a file");
        assert_eq!(path.find(&CUDNN), Some(versioned));
        fs::write(&plain, b"").expect("a file");
        assert_eq!(path.find(&CUDNN), Some(plain));
        assert_eq!(path.find(&Library::ALL[0]), None);
    }

    #[test]
    fn paths_are_read_out_of_what_the_system_keeps() {
        let cache = b"ld.so-1.7.0\0\xff\x01libcuda.so.1\0/usr/lib/libcuda.so.1\0\0/lib/libc.so.6\0";
        let paths: Vec<PathBuf> = cached(cache).collect();
        assert_eq!(paths, ["/usr/lib/libcuda.so.1", "/lib/libc.so.6"].map(PathBuf::from));
        let maps = "7f00-7f01 r-xp 00000000 08:01 12   /opt/a b/libcublas.so.13\n7f02-7f03 rw-p 0 00:00 0 [heap]\n";
        assert_eq!(mapped(maps).collect::<Vec<_>>(), [PathBuf::from("/opt/a b/libcublas.so.13")]);
    }

    /// Every program of Rust's on Linux has loaded it, unless it is linked statically.
    #[test]
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    fn the_search_path_of_this_process_has_its_own_libraries() {
        let path = SearchPath::of_system().expect("Linux");
        assert!(path.files.iter().any(|file| file.to_string_lossy().contains("libc.so")), "{path:?}");
    }
}
