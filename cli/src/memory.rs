//! Memory that this process may still take: what the machine has free, and what a control group (a
//! container, a batch job) leaves of its limit. Linux tells both; elsewhere a guess stands for them.

use std::fs;
use std::path::{Path, PathBuf};

/// No more than most machines have.
const FALLBACK: u64 = 16 << 30;

/// Bytes that can be taken now.
pub(crate) fn available() -> u64 {
    let machine = of_machine(&text("/proc/meminfo")).unwrap_or(FALLBACK);
    of_groups(&text("/proc/self/cgroup"), Path::new("/sys/fs/cgroup"))
        .map_or(machine, |group| group.min(machine))
}

fn text(path: impl AsRef<Path>) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

fn of_machine(meminfo: &str) -> Option<u64> {
    let available = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kibibytes: u64 = available.trim().trim_end_matches(" kB").parse().ok()?;
    Some(kibibytes.saturating_mul(1024))
}

/// The least that any of the process's groups leaves. Where a container shows its own group as the
/// root, the path in `cgroup` does not exist there, and the root is looked at.
fn of_groups(cgroup: &str, root: &Path) -> Option<u64> {
    let folders = cgroup.lines().filter_map(|line| {
        let mut parts = line.splitn(3, ':');
        let (_, controllers, path) = (parts.next()?, parts.next()?, parts.next()?);
        match controllers {
            "" => Some((root.to_path_buf(), path)),
            "memory" => Some((root.join("memory"), path)),
            _ => None,
        }
    });
    folders
        .flat_map(|(root, path)| with_parents(&root, path))
        .filter_map(|group| left(&group))
        .min()
}

/// A group and those it lies in: the limit of each holds.
fn with_parents(root: &Path, path: &str) -> Vec<PathBuf> {
    let group = root.join(path.trim_start_matches('/'));
    let parents = group.ancestors().take_while(|parent| parent.starts_with(root));
    parents.map(Path::to_path_buf).collect()
}

/// What a group's limit leaves, pages of files that can be dropped not counted as taken; version 2
/// of control groups and version 1.
fn left(group: &Path) -> Option<u64> {
    let number = |name: &str| text(group.join(name)).trim().parse::<u64>().ok();
    let limit = number("memory.max").or_else(|| number("memory.limit_in_bytes"))?;
    let used = number("memory.current").or_else(|| number("memory.usage_in_bytes"))?;
    let statistics = text(group.join("memory.stat"));
    let entry = |name: &str| {
        let rest = statistics.lines().find_map(|line| line.strip_prefix(name));
        rest.and_then(|rest| rest.trim().parse::<u64>().ok())
    };
    // in version 1 the total includes the groups inside
    let droppable = entry("total_inactive_file ").or_else(|| entry("inactive_file ")).unwrap_or(0);
    Some(limit.saturating_sub(used.saturating_sub(droppable)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::{available, of_groups, of_machine};
    use std::fs;

    #[test]
    fn the_machine_says_what_is_available() {
        let meminfo = "MemTotal:  100 kB\nMemFree: 10 kB\nMemAvailable:      42 kB\n";
        assert_eq!(of_machine(meminfo), Some(42 * 1024));
        assert_eq!(of_machine(""), None);
        assert!(available() > 0);
    }

    #[test]
    fn the_tightest_group_counts_and_dropped_pages_do_not() {
        let root = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("job/memory.max", "1000\n");
        write("job/memory.current", "700\n");
        write("job/memory.stat", "anon 500\ninactive_file 150\n");
        write("job/part/memory.max", "max\n");
        write("job/part/memory.current", "10\n");
        assert_eq!(of_groups("0::/job/part\n", root.path()), Some(450));
        assert_eq!(of_groups("0::/elsewhere\n", root.path()), None);
        // version 1
        write("memory/old/memory.limit_in_bytes", "900\n");
        write("memory/old/memory.usage_in_bytes", "1000\n");
        write("memory/old/memory.stat", "inactive_file 1\ntotal_inactive_file 200\n");
        assert_eq!(of_groups("4:memory:/old\n1:cpu:/x\n", root.path()), Some(100));
    }
}
