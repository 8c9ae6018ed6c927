//! The hidden folder in which keys are made, and its way into place.
//!
//! Its file of parameters is locked while its maker lives. A maker that is killed leaves an unlocked folder, which the next
//! one in the same place removes: nobody waits for it, and half of its keys are of no use.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::error::Error;
use crate::store::{FILES, PARAMS, create_new, failed, parent, temporary};

/// How the name of such a folder begins.
const PREFIX: &str = ".arras-keys-";

/// A hidden folder that is being filled.
pub(crate) struct Fresh {
    folder: TempDir,
    /// The file of parameters. Where files cannot be locked, no folder is ever taken for abandoned.
    params: File,
}

impl Fresh {
    /// A new one beside a target, after those of makers that were killed are removed.
    pub(crate) fn beside(target: &Path) -> Result<Self, Error> {
        let parent = parent(target);
        fs::create_dir_all(parent).map_err(failed(parent, "made"))?;
        sweep(parent);
        loop {
            let folder =
                temporary(PREFIX, 0o777).tempdir_in(parent).map_err(failed(parent, "written into"))?;
            let params = create_new(&folder.path().join(PARAMS), false)?;
            let locked = params.lock().is_ok();
            // Between its making and its lock another maker may have taken it for abandoned.
            if !locked || folder.path().join(PARAMS).exists() {
                return Ok(Self { folder, params });
            }
        }
    }

    /// Whether a folder of this name would be taken for one in the making.
    pub(crate) fn is_reserved(target: &Path) -> bool {
        target.file_name().is_some_and(|name| name.to_string_lossy().starts_with(PREFIX))
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The file of parameters, empty at first.
    pub(crate) fn params(&mut self) -> &mut File {
        &mut self.params
    }

    /// Moves it to the target. An old folder there changes places with it and is removed.
    ///
    /// Without `replace` the rename itself refuses a folder that is not empty, so of two writers the first one wins.
    pub(crate) fn put(self, target: &Path, replace: bool) -> Result<(), Error> {
        sync_folder(self.path());
        let parent = parent(target);
        if replace && target.exists() {
            if exchange(self.path(), target) {
                sync_folder(parent);
                return Ok(());
            }
            return self.put_after_old(target, parent);
        }
        if let Err(source) = fs::rename(self.path(), target) {
            let path = target.to_path_buf();
            let lost = !replace && path.exists();
            return Err(if lost {
                Error::Exists { path }
            } else {
                Error::File { path, action: "written", source }
            });
        }
        self.moved(parent);
        Ok(())
    }

    /// The same where two folders cannot change places: the old one moves out of the way first.
    ///
    /// Whoever is killed between the two moves finds the old keys in `.arras-old-…/keys` beside the target.
    fn put_after_old(self, target: &Path, parent: &Path) -> Result<(), Error> {
        let old =
            temporary(".arras-old-", 0o700).tempdir_in(parent).map_err(failed(parent, "written into"))?;
        let kept: PathBuf = old.path().join("keys");
        fs::rename(target, &kept).map_err(failed(target, "replaced"))?;
        if let Err(source) = fs::rename(self.path(), target) {
            if fs::rename(&kept, target).is_err() {
                // The old keys stay where they are.
                let _ = old.keep();
            }
            return Err(Error::File { path: target.to_path_buf(), action: "written", source });
        }
        self.moved(parent);
        Ok(())
    }

    /// Its folder has moved: there is nothing left to remove.
    fn moved(self, parent: &Path) {
        let _ = self.folder.keep();
        sync_folder(parent);
    }
}

/// Removes the folders of makers that were killed. What cannot be removed harms nobody.
fn sweep(parent: &Path) {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    let hidden = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX));
    // A link is no folder here.
    for entry in hidden.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())) {
        let path = entry.path();
        let ours = |entry: fs::DirEntry| FILES.iter().any(|&name| entry.file_name() == name);
        let only_keys = fs::read_dir(&path).is_ok_and(|mut all| all.all(|entry| entry.is_ok_and(ours)));
        let Ok(params) = File::open(path.join(PARAMS)) else { continue };
        if only_keys && params.try_lock().is_ok() {
            let _ = fs::remove_dir_all(&path);
        }
    }
}

/// Two folders change places in one step; false if the system or the file system cannot do it.
#[cfg(target_os = "linux")]
fn exchange(a: &Path, b: &Path) -> bool {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    renameat_with(CWD, a, CWD, b, RenameFlags::EXCHANGE).is_ok()
}

#[cfg(not(target_os = "linux"))]
fn exchange(_: &Path, _: &Path) -> bool {
    false
}

/// Makes a rename last. Not every file system can, and the files themselves are safe already.
pub(crate) fn sync_folder(path: &Path) {
    if let Ok(folder) = File::open(path) {
        let _ = folder.sync_all();
    }
}
