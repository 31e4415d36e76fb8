//! Where a library stands: that of the first account in the root, that of a further one in `accounts/NAME`.
//!
//! All that is below has its number from its path, so nothing that another account does can move it.

use super::{DirLine, Fold};
use crate::tree::image::{ACCOUNTS, DirRecord, View};
use crate::tree::{ROOT, numbers};

impl Fold<'_> {
    /// Makes the directory of the account and its four views.
    pub(super) fn stand(&mut self) {
        let Some(account) = self.account.clone() else {
            self.fixed(ROOT, "", "");
            let views = [
                numbers::BY_DATE,
                numbers::ALBUMS,
                numbers::PEOPLE,
                numbers::FAVORITES,
            ];
            for (view, ino) in View::ALL.into_iter().zip(views) {
                self.fixed(ino, view.name(), view.name());
            }
            return;
        };
        let top = format!("{ACCOUNTS}/{account}");
        let free = (0..)
            .map(|n| numbers::dir_inode(&top, n))
            .find(|ino| self.inodes.insert(*ino));
        self.fixed(free.unwrap_or_default(), &top, &account);
        let free = (0..)
            .map(|n| numbers::view_inodes(&top, n))
            .find(|views| !views.iter().any(|ino| self.inodes.contains(ino)));
        let views = free.unwrap_or_default();
        self.inodes.extend(views);
        for (view, ino) in View::ALL.into_iter().zip(views) {
            self.fixed(ino, &format!("{top}/{}", view.name()), view.name());
        }
    }

    /// A directory that is there even when empty.
    fn fixed(&mut self, ino: u64, path: &str, name: &str) {
        self.dirs.push(DirLine {
            path: path.into(),
            record: DirRecord {
                ino,
                parent: 0,
                name: name.into(),
                title: name.into(),
                fixed: true,
            },
        });
    }
}
