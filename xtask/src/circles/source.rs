//! One file's modules, items, imports and paths. Code under `#[cfg(test)]` is left out.

use anyhow::{Context, Result};
use proc_macro2::{TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::punctuated::Punctuated;
use syn::visit::{self, Visit};
use syn::{
    Attribute, Expr, File, ImplItem, Item, ItemMod, ItemUse, Lit, Macro, Meta, Stmt, Token, UseTree,
    Visibility,
};

use super::modules::{Module, Modules, Reference};

/// Reads the file of `module` into `modules`.
pub(super) fn read(modules: &mut Modules, module: usize, file: &File) -> Result<()> {
    let mut reader = Reader { modules, module, result: Ok(()) };
    reader.visit_file(file);
    reader.result
}

struct Reader<'m> {
    modules: &'m mut Modules,
    /// The module that is read, which may be one within the file.
    module: usize,
    result: Result<()>,
}

impl Reader<'_> {
    fn this(&mut self) -> &mut Module {
        &mut self.modules.all[self.module]
    }

    fn refer(&mut self, path: Vec<String>, line: usize, is_use: bool) {
        self.modules.references.push(Reference { module: self.module, path, line, is_use });
    }

    /// Reads a module of this one.
    fn module(&mut self, item: &ItemMod) -> Result<()> {
        let name = item.ident.unraw().to_string();
        let this = self.module;
        let parent = &self.modules.all[this];
        let (file, folder) = (parent.file.clone(), parent.folder.join(&name));
        let child = Module { parent: Some(this), folder: folder.clone(), ..Module::default() };
        let child = if let Some((_, items)) = &item.content {
            self.modules.all.push(Module { file, ..child });
            self.module = self.modules.all.len() - 1;
            items.iter().for_each(|item| self.visit_item(item));
            std::mem::replace(&mut self.module, this)
        } else if let Some(path) = item.attrs.iter().find_map(named_path) {
            let file = file.parent().context("a file in a folder")?.join(path);
            let folder = file.parent().context("a file in a folder")?.to_path_buf();
            self.modules.read_file(Module { file, folder, ..child })?
        } else {
            let [beside, within] = [folder.with_extension("rs"), folder.join("mod.rs")];
            let file = if beside.is_file() { beside } else { within };
            self.modules.read_file(Module { file, ..child })?
        };
        self.this().children.entry(name).or_default().push(child);
        Ok(())
    }

    /// Reads a tree of `use`, below the path `before`. A private import is a need of the file itself.
    fn imports(&mut self, tree: &UseTree, before: &[String], is_private: bool) {
        let with = |name: &syn::Ident| {
            let name = name.unraw().to_string();
            // `{self}` names the path before it.
            let own = (name != "self" || before.is_empty()).then_some(name);
            before.iter().cloned().chain(own).collect::<Vec<_>>()
        };
        let (path, ident, name) = match tree {
            UseTree::Path(path) => return self.imports(&path.tree, &with(&path.ident), is_private),
            UseTree::Group(group) => {
                return group.items.iter().for_each(|tree| self.imports(tree, before, is_private));
            }
            UseTree::Glob(_) => return self.this().globs.push(before.to_vec()),
            UseTree::Name(name) => {
                let path = with(&name.ident);
                (path.clone(), &name.ident, path.last().cloned())
            }
            UseTree::Rename(rename) => (with(&rename.ident), &rename.ident, Some(rename.rename.to_string())),
        };
        if is_private {
            self.refer(path.clone(), ident.span().start().line, true);
        }
        if let Some(name) = name {
            self.this().imports.entry(name).or_default().push(path);
        }
    }

    /// Reads the paths in a macro's input, which may be anything.
    fn tokens(&mut self, tokens: TokenStream) {
        let (mut path, mut line, mut colons) = (Vec::new(), 0, 0);
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => {
                    if colons != 2 {
                        self.path_of_tokens(&mut path, line);
                    }
                    line = ident.span().start().line;
                    path.push(ident.unraw().to_string());
                    colons = 0;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' && !path.is_empty() => colons += 1,
                other => {
                    self.path_of_tokens(&mut path, line);
                    colons = 0;
                    if let TokenTree::Group(group) = other {
                        self.tokens(group.stream());
                    }
                }
            }
        }
        self.path_of_tokens(&mut path, line);
    }

    /// A name alone may be anything in a macro.
    fn path_of_tokens(&mut self, path: &mut Vec<String>, line: usize) {
        let path = std::mem::take(path);
        if path.len() > 1 {
            self.refer(path, line, false);
        }
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        let (attributes, name) = parts(item);
        if attributes.iter().any(is_for_tests) {
            return;
        }
        if let Some(name) = name {
            self.this().items.insert(name.unraw().to_string());
        }
        match item {
            Item::Mod(item) => {
                if let (Err(error), true) = (self.module(item), self.result.is_ok()) {
                    self.result = Err(error);
                }
            }
            _ => visit::visit_item(self, item),
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        if item.leading_colon.is_none() {
            self.imports(&item.tree, &[], matches!(item.vis, Visibility::Inherited));
        }
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        if !matches!(item, ImplItem::Fn(function) if function.attrs.iter().any(is_for_tests)) {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_stmt(&mut self, statement: &'ast Stmt) {
        if !matches!(statement, Stmt::Local(local) if local.attrs.iter().any(is_for_tests)) {
            visit::visit_stmt(self, statement);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if let (None, Some(first)) = (path.leading_colon, path.segments.first()) {
            let line = first.ident.span().start().line;
            let names = path.segments.iter().map(|segment| segment.ident.unraw().to_string());
            self.refer(names.collect(), line, false);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, called: &'ast Macro) {
        self.tokens(called.tokens.clone());
        visit::visit_macro(self, called);
    }

    fn visit_attribute(&mut self, _: &'ast Attribute) {}

    fn visit_visibility(&mut self, _: &'ast Visibility) {}
}

/// An item's attributes, and the name by which a path finds it.
fn parts(item: &Item) -> (&[Attribute], Option<&syn::Ident>) {
    match item {
        Item::Const(item) => (&item.attrs, Some(&item.ident)),
        Item::Enum(item) => (&item.attrs, Some(&item.ident)),
        Item::Fn(item) => (&item.attrs, Some(&item.sig.ident)),
        Item::Macro(item) => (&item.attrs, item.ident.as_ref()),
        Item::Static(item) => (&item.attrs, Some(&item.ident)),
        Item::Struct(item) => (&item.attrs, Some(&item.ident)),
        Item::Trait(item) => (&item.attrs, Some(&item.ident)),
        Item::Type(item) => (&item.attrs, Some(&item.ident)),
        Item::Union(item) => (&item.attrs, Some(&item.ident)),
        Item::Impl(item) => (&item.attrs, None),
        Item::Mod(item) => (&item.attrs, None),
        Item::Use(item) => (&item.attrs, None),
        _ => (&[], None),
    }
}

/// Whether only tests compile the attribute's item.
fn is_for_tests(attribute: &Attribute) -> bool {
    attribute.path().is_ident("cfg")
        && attribute.parse_args().is_ok_and(|condition: Meta| requires_test(&condition))
}

fn requires_test(condition: &Meta) -> bool {
    let Meta::List(list) = condition else { return condition.path().is_ident("test") };
    let parts = list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated).unwrap_or_default();
    match () {
        () if list.path.is_ident("all") => parts.iter().any(requires_test),
        () if list.path.is_ident("any") => !parts.is_empty() && parts.iter().all(requires_test),
        () => false,
    }
}

/// The file that `#[path]` names.
fn named_path(attribute: &Attribute) -> Option<String> {
    let Meta::NameValue(pair) = &attribute.meta else { return None };
    match &pair.value {
        Expr::Lit(literal) if pair.path.is_ident("path") => match &literal.lit {
            Lit::Str(text) => Some(text.value()),
            _ => None,
        },
        _ => None,
    }
}
