//! The schema of an action: one for each kind, told apart by `kind`.

use super::order::NewAction;
use crate::values::Ref;
use std::borrow::Cow;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        ArrayBuilder, Discriminator, ObjectBuilder, OneOfBuilder, Ref as SchemaRef, RefOr, Schema, Type,
        schema::AdditionalProperties,
    },
};

/// Each kind: its schema's name, its name on the wire, and what it does.
const KINDS: [(&str, &str, &str); 6] = [
    ("BulkPublish", "publish", "Makes the working revision what the public sees."),
    ("BulkUnpublish", "unpublish", "Takes it down."),
    ("BulkTrash", "trash", "Moves it to the trash."),
    ("BulkRestore", "restore", "Takes it out of the trash."),
    ("BulkMove", "move", "Puts the working copy into a section; `null` takes it out of the one it stands in."),
    ("BulkTag", "tag", "Adds tags to the working copy, and takes others from it."),
];

impl PartialSchema for NewAction {
    fn schema() -> RefOr<Schema> {
        let at = |name: &str| format!("#/components/schemas/{name}");
        let mapping = KINDS.map(|(name, kind, _)| (kind, at(name)));
        let one_of = OneOfBuilder::new()
            .description(Some("What to do to each article."))
            .discriminator(Some(Discriminator::with_mapping("kind", mapping)));
        KINDS.iter().fold(one_of, |one_of, (name, ..)| one_of.item(SchemaRef::from_schema_name(*name))).into()
    }
}

impl ToSchema for NewAction {
    fn name() -> Cow<'static, str> {
        "BulkAction".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.extend(KINDS.map(|(name, kind, does)| (name.to_owned(), of_kind(kind, does).into())));
        schemas.push((Ref::name().into_owned(), Ref::schema()));
    }
}

fn of_kind(kind: &str, does: &str) -> ObjectBuilder {
    let word = ObjectBuilder::new().schema_type(Type::String).enum_values(Some([kind]));
    let object = ObjectBuilder::new()
        .description(Some(does))
        .additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(false)))
        .property("kind", word)
        .required("kind");
    let reference = || SchemaRef::from_schema_name(Ref::name());
    let some =
        |description: &str| ArrayBuilder::new().items(reference()).max_items(Some(50)).description(Some(description));
    match kind {
        "move" => object.property("section", nullable(reference())).required("section"),
        "tag" => object.property("add", some("By ids or slugs.")).property("remove", some("By ids or slugs.")),
        _ => object,
    }
}

fn nullable(schema: SchemaRef) -> OneOfBuilder {
    OneOfBuilder::new().item(ObjectBuilder::new().schema_type(Type::Null)).item(schema)
}
