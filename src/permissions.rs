//! The role table: who may do what. Every permission is decided here, and enforced by a handler's signature.

use std::fmt;

crate::db::column::text_enum! {
    /// What somebody on the staff, or a key, may do. Each role may do all that the ones before it may.
    #[derive(PartialOrd, Ord, Hash, clap::ValueEnum)]
    pub enum Role {
        /// Reads all that is published, premium bodies too. For keys only.
        Reader = "reader",
        /// Writes own drafts and submits them for review.
        Contributor = "contributor",
        /// Publishes own articles.
        Author = "author",
        /// Has a hand in all content and all comments.
        Editor = "editor",
        /// Has a hand in users, keys and settings as well.
        Admin = "admin",
    }
}

impl Role {
    pub const ALL: [Self; 5] = [Self::Reader, Self::Contributor, Self::Author, Self::Editor, Self::Admin];
}

/// A row of the table, as a type: `Can<ManageTags>` in a handler's signature.
pub trait Permission: 'static {
    const NAME: &'static str;
    const FROM: Role;
    /// Whether it is for people alone: no key has it, whatever its role.
    const FOR_PEOPLE: bool = false;
    /// Whether a key that is for some sections has it: in them, as far as it writes.
    const IN_SECTIONS: bool = false;
    /// Whether it is there before a second factor was shown, where the role asks for one.
    const BEFORE_PROOF: bool = false;
}

/// A row of the table, to be read: docs/SECURITY.md is made of them.
#[derive(Debug)]
pub struct Row {
    pub name: &'static str,
    /// What one may, in words.
    pub says: &'static str,
    /// The role from which on one may.
    pub from: Role,
    pub for_people: bool,
    pub in_sections: bool,
}

impl Row {
    const fn of<P: Permission>(says: &'static str) -> Self {
        Self { name: P::NAME, says, from: P::FROM, for_people: P::FOR_PEOPLE, in_sections: P::IN_SECTIONS }
    }
}

macro_rules! permissions {
    ($($(#[doc = $doc:literal])+ $name:ident from $role:ident $(for $people:ident)? $(in $sections:ident)? $(before $proof:ident)?;)*) => {
        $(
            $(#[doc = $doc])+
            #[derive(Debug)]
            pub struct $name;

            impl Permission for $name {
                const NAME: &'static str = stringify!($name);
                const FROM: Role = Role::$role;
                $(const FOR_PEOPLE: bool = !stringify!($people).is_empty();)?
                $(const IN_SECTIONS: bool = !stringify!($sections).is_empty();)?
                $(const BEFORE_PROOF: bool = !stringify!($proof).is_empty();)?
            }
        )*

        /// The whole table.
        pub const TABLE: &[Row] = &[$(Row::of::<$name>(concat!($($doc),+))),*];
    };
}

permissions! {
    /// Read what is published whatever it costs readers.
    ReadPremium from Reader in sections;
    /// Use one's own account.
    UseAccount from Contributor for people;
    /// See who one is, and set up a second factor.
    ProveOneself from Contributor for people before proof;
    /// Sign comments with one's own name, so that nobody has to approve them.
    SignComments from Contributor in sections;
    /// Write articles of one's own, and move unpublished ones to the trash and back.
    WriteArticles from Contributor in sections;
    /// Publish and unpublish articles of one's own.
    PublishArticles from Author in sections;
    /// The same with everybody's articles.
    EditAnyArticle from Editor in sections;
    /// Approve articles, one's own too, or ask for changes.
    ReviewArticles from Editor in sections;
    /// Take back what readers were told in a correction.
    WithdrawCorrections from Editor in sections;
    /// Remove articles for good.
    PurgeArticles from Admin in sections;
    /// Create, change and delete authors.
    ManageAuthors from Editor;
    /// Make keys for programs, and take them back.
    ManageKeys from Admin for people;
    /// Create, import and delete redirects.
    ManageRedirects from Editor;
    /// Create, change and delete sections.
    ManageSections from Editor;
    /// Change what is said of the site, and which fields of its own an article may have.
    ManageSite from Admin;
    /// Create, change and delete tags.
    ManageTags from Editor;
    /// Invite, change and remove those who sign in.
    ManageUsers from Admin for people;
    /// See, approve, change and delete comments.
    ModerateComments from Editor;
    /// Read who did what.
    ReadAudit from Admin for people;
}

impl Role {
    pub fn may<P: Permission>(self) -> bool {
        self >= P::FROM
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::{EditAnyArticle, ManageTags, PublishArticles, Role, WriteArticles};

    #[test]
    fn the_table_is_as_it_was_agreed() {
        let who = |may: fn(Role) -> bool| Role::ALL.into_iter().filter(|r| may(*r)).count();
        assert_eq!(who(Role::may::<WriteArticles>), 4);
        assert_eq!(who(Role::may::<PublishArticles>), 3);
        assert_eq!(who(Role::may::<EditAnyArticle>), 2);
        assert_eq!(who(Role::may::<ManageTags>), 2);
    }
}
