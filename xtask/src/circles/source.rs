//! One file's modules, items, imports and paths. Code under `#[cfg(test)]` or `#[cfg(fuzzing)]` is left out.

use anyhow::{Context, Result};
use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::punctuated::Punctuated;
use syn::{Attribute, Expr, Ident, Item, ItemMod, Lit, Meta, Token, UseTree, Visibility};

use super::modules::{Module, Modules, Reference};

/// Reads the items of a module into `modules`.
pub(super) fn read(modules: &mut Modules, module: usize, items: &[Item]) -> Result<()> {
    let mut reader = Reader { modules, module };
    items.iter().try_for_each(|item| reader.item(item))
}

struct Reader<'m> {
    modules: &'m mut Modules,
    module: usize,
}

impl Reader<'_> {
    fn this(&mut self) -> &mut Module {
        &mut self.modules.all[self.module]
    }

    fn item(&mut self, item: &Item) -> Result<()> {
        let (attributes, name): (&[Attribute], _) = match item {
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
        };
        if attributes.iter().any(is_for_tests) {
            return Ok(());
        }
        self.this().items.extend(name.map(|name| name.unraw().to_string()));
        match item {
            Item::Mod(item) => return self.module(item),
            Item::Use(item) => self.imports(&item.tree, &[], matches!(item.vis, Visibility::Inherited)),
            _ => self.paths(item.to_token_stream()),
        }
        Ok(())
    }

    /// Reads a module of this one.
    fn module(&mut self, item: &ItemMod) -> Result<()> {
        let name = item.ident.unraw().to_string();
        let parent = &self.modules.all[self.module];
        let (file, folder) = (parent.file.clone(), parent.folder.join(&name));
        let child = Module { parent: Some(self.module), folder: folder.clone(), ..Module::default() };
        let child = if let Some((_, items)) = &item.content {
            let child = self.modules.add(Module { file, ..child });
            read(self.modules, child, items)?;
            child
        } else if let Some(path) = item.attrs.iter().find_map(named_path) {
            let file = file.with_file_name(path);
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
        let with = |name: &Ident| {
            let name = name.unraw().to_string();
            // `{self}` names the path before it.
            let own = (name != "self" || before.is_empty()).then_some(name);
            before.iter().cloned().chain(own).collect::<Vec<_>>()
        };
        let (ident, path, name) = match tree {
            UseTree::Path(path) => return self.imports(&path.tree, &with(&path.ident), is_private),
            UseTree::Group(group) => {
                return group.items.iter().for_each(|tree| self.imports(tree, before, is_private));
            }
            UseTree::Glob(_) => return self.this().globs.push(before.to_vec()),
            UseTree::Name(name) => (&name.ident, with(&name.ident), with(&name.ident).pop()),
            UseTree::Rename(rename) => (&rename.ident, with(&rename.ident), Some(rename.rename.to_string())),
        };
        if is_private {
            self.refer(path.clone(), ident, true);
        }
        if let Some(name) = name {
            self.this().imports.entry(name).or_default().push(path);
        }
    }

    /// Reads the paths in code, that of macros included. Names behind a dot are those of fields and methods.
    fn paths(&mut self, tokens: TokenStream) {
        let mut tokens = tokens.into_iter().peekable();
        let mut is_member = false;
        while let Some(token) = tokens.next() {
            match token {
                TokenTree::Group(group) => self.paths(group.stream()),
                // What follows is no need: `pub(in path)`.
                TokenTree::Ident(word) if word == "pub" => {
                    _ = tokens.next_if(|token| matches!(token, TokenTree::Group(_)))
                }
                TokenTree::Ident(word) if word == "use" => {
                    let is_end = |token: &TokenTree| matches!(token, TokenTree::Punct(punct) if punct.as_char() == ';');
                    let tree = std::iter::from_fn(|| tokens.next_if(|token| !is_end(token)));
                    if let Ok(tree) = syn::parse2(tree.collect()) {
                        self.imports(&tree, &[], true);
                    }
                }
                TokenTree::Ident(first) if !is_member => {
                    let mut path = vec![first.unraw().to_string()];
                    let mut colons = 0;
                    while let Some(token) = tokens.peek() {
                        match token {
                            TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                            TokenTree::Ident(name) if colons == 2 => {
                                path.push(name.unraw().to_string());
                                colons = 0;
                            }
                            _ => break,
                        }
                        tokens.next();
                    }
                    self.refer(path, &first, false);
                    is_member = false;
                }
                other => is_member = matches!(other, TokenTree::Punct(punct) if punct.as_char() == '.'),
            }
        }
    }

    fn refer(&mut self, path: Vec<String>, first: &Ident, is_use: bool) {
        let line = first.span().start().line;
        self.modules.references.push(Reference { module: self.module, path, line, is_use });
    }
}

/// Whether only tests or fuzz targets compile the attribute's item.
fn is_for_tests(attribute: &Attribute) -> bool {
    fn requires_test(condition: &Meta) -> bool {
        let Meta::List(list) = condition else {
            return ["test", "fuzzing"].iter().any(|name| condition.path().is_ident(name));
        };
        let parts = list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated).unwrap_or_default();
        match () {
            () if list.path.is_ident("all") => parts.iter().any(requires_test),
            () if list.path.is_ident("any") => !parts.is_empty() && parts.iter().all(requires_test),
            () => false,
        }
    }
    attribute.path().is_ident("cfg")
        && attribute.parse_args().is_ok_and(|condition| requires_test(&condition))
}

/// The file that `#[path]` names.
fn named_path(attribute: &Attribute) -> Option<String> {
    let Meta::NameValue(pair) = &attribute.meta else { return None };
    let Expr::Lit(literal) = &pair.value else { return None };
    let Lit::Str(file) = &literal.lit else { return None };
    pair.path.is_ident("path").then(|| file.value())
}
