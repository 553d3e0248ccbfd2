//! Builds every mutant of `cargo mutants --list --json` into one copy of the sources, each behind a
//! switch that the environment variable MUTANT turns on. Compiling once instead of once a mutant is what makes
//! a whole run possible on two shared cores.
//!
//! `switch MUTANTS.json ROOT EXCLUDED.json`: rewrites the files named in MUTANTS.json under ROOT. A mutant's
//! number is its place in the list, from 1; those in EXCLUDED.json (numbers) are left out, because they do
//! not compile. Prints the numbers that no syntax was found for.
//!
//! In what is written, `/*#N*/ ... /*#*/` encloses what belongs to mutant N alone, and `/*@N,M*/ ... /*@*/`
//! what belongs to a place that has mutants N and M.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::{env, fs, path::Path};

use serde_json::Value;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

struct Mutant {
    id: u32,
    genre: String,
    start: usize,
    end: usize,
    replacement: String,
}

enum Change {
    /// After the opening brace.
    Body,
    /// Instead of the expression, by mutant.
    Instead(Vec<(u32, String)>),
    /// Before the arrow; the range is that of the guard, or empty.
    Guard { has_guard: bool },
}

struct Site {
    range: Range<usize>,
    ids: Vec<u32>,
    change: Change,
}

struct Finder<'a> {
    source: &'a str,
    mutants: &'a [Mutant],
    sites: Vec<Site>,
    bodies: Vec<Range<usize>>,
}

fn range(node: &impl Spanned) -> Range<usize> {
    node.span().byte_range()
}

impl Finder<'_> {
    fn of(&self, genre: &str, start: usize) -> Vec<&Mutant> {
        self.mutants.iter().filter(|mutant| mutant.genre == genre && mutant.start == start).collect()
    }

    fn instead(&mut self, range: Range<usize>, alternatives: Vec<(u32, String)>) {
        if !alternatives.is_empty() {
            let ids = alternatives.iter().map(|(id, _)| *id).collect();
            self.sites.push(Site { range, ids, change: Change::Instead(alternatives) });
        }
    }

    fn text(&self, range: Range<usize>) -> &str {
        &self.source[range]
    }
}

impl<'ast> Visit<'ast> for Finder<'_> {
    fn visit_item_fn(&mut self, node: &'ast syn::ItemFn) {
        self.bodies.push(range(&node.block));
        visit::visit_item_fn(self, node);
    }

    fn visit_impl_item_fn(&mut self, node: &'ast syn::ImplItemFn) {
        self.bodies.push(range(&node.block));
        visit::visit_impl_item_fn(self, node);
    }

    fn visit_trait_item_fn(&mut self, node: &'ast syn::TraitItemFn) {
        if let Some(block) = &node.default {
            self.bodies.push(range(block));
        }
        visit::visit_trait_item_fn(self, node);
    }

    fn visit_expr_binary(&mut self, node: &'ast syn::ExprBinary) {
        let (left, right) = (self.text(range(&node.left)), self.text(range(&node.right)));
        let found = self.of("BinaryOperator", range(&node.op).start);
        let alternatives = found.iter().map(|m| (m.id, format!("{left} {} {right}", m.replacement))).collect();
        self.instead(range(node), alternatives);
        visit::visit_expr_binary(self, node);
    }

    fn visit_expr_unary(&mut self, node: &'ast syn::ExprUnary) {
        let operand = self.text(range(&node.expr));
        let found = self.of("UnaryOperator", range(&node.op).start);
        let alternatives = found.iter().map(|m| (m.id, format!("{} {operand}", m.replacement))).collect();
        self.instead(range(node), alternatives);
        visit::visit_expr_unary(self, node);
    }

    fn visit_arm(&mut self, node: &'ast syn::Arm) {
        let (pattern, whole) = (range(&node.pat), range(node));
        let mut found: BTreeSet<u32> = self.of("MatchArm", pattern.start).iter().map(|m| m.id).collect();
        found.extend(self.of("MatchArm", whole.start).iter().map(|m| m.id));
        let guard = node.guard.as_ref().map(|(_, guard)| range(guard));
        if !found.is_empty() {
            let place = guard.clone().unwrap_or(pattern.end..pattern.end);
            let change = Change::Guard { has_guard: guard.is_some() };
            self.sites.push(Site { range: place, ids: found.into_iter().collect(), change });
        }
        if let Some(guard) = guard {
            let found = self.of("MatchArmGuard", guard.start);
            let alternatives = found.iter().map(|m| (m.id, m.replacement.clone())).collect();
            self.instead(guard, alternatives);
        }
        visit::visit_arm(self, node);
    }

    fn visit_expr_struct(&mut self, node: &'ast syn::ExprStruct) {
        let mut alternatives = Vec::new();
        for field in &node.fields {
            for mutant in self.of("StructField", range(field).start) {
                let (whole, part) = (range(node), range(field));
                let after = self.source[part.end..whole.end].trim_start();
                let after = after.strip_prefix(',').unwrap_or(after);
                alternatives.push((mutant.id, format!("{}{after}", &self.source[whole.start..part.start])));
            }
        }
        self.instead(range(node), alternatives);
        visit::visit_expr_struct(self, node);
    }
}

/// The source between `range`, with the sites from `first` on that lie in it.
fn render(source: &str, range: Range<usize>, sites: &[Site], mutants: &BTreeMap<u32, &Mutant>) -> String {
    let (mut out, mut at, mut next) = (String::new(), range.start, 0);
    while next < sites.len() {
        let site = &sites[next];
        let inside = sites[next + 1..].iter().take_while(|inner| inner.range.end <= site.range.end && inner.range.start < site.range.end).count();
        let nested = &sites[next + 1..next + 1 + inside];
        out += &source[at..site.range.start];
        let inner = || render(source, site.range.clone(), nested, mutants);
        match &site.change {
            Change::Body => {
                out.push('{');
                for id in &site.ids {
                    out += &format!(" /*#{id}*/if crate::mutation::is({id}) {{ return {}; }}/*#*/", mutants[id].replacement);
                }
                out += &inner()[1..];
            }
            Change::Guard { has_guard } => {
                let id = site.ids[0];
                let on = format!("/*#{id}*/!crate::mutation::is({id})/*#*/");
                out += &if *has_guard { format!("({on}) && ({})", inner()) } else { format!(" if {on}") };
            }
            Change::Instead(alternatives) => {
                let ids: Vec<String> = site.ids.iter().map(u32::to_string).collect();
                let ids = ids.join(",");
                out += &format!("(match /*@{ids}*/crate::mutation::at(&[{ids}])/*@*/ {{ 0 => {{ {} }}", inner());
                for (id, text) in alternatives {
                    out += &format!(" {id} => {{ /*#{id}*/{text}/*#*/ }}");
                }
                out += " _ => unreachable!() })";
            }
        }
        at = site.range.end;
        next += 1 + inside;
    }
    out + &source[at..range.end]
}

fn offset(source: &str, line: u64, column: u64) -> usize {
    let start: usize = source.split_inclusive('\n').take(line as usize - 1).map(str::len).sum();
    let rest = &source[start..];
    start + rest.char_indices().nth(column as usize - 1).map_or(rest.len(), |(at, _)| at)
}

fn main() {
    let arguments: Vec<String> = env::args().collect();
    let [_, list, root, excluded] = arguments.as_slice() else { panic!("switch MUTANTS.json ROOT EXCLUDED.json") };
    let list: Vec<Value> = serde_json::from_str(&fs::read_to_string(list).unwrap()).unwrap();
    let excluded: BTreeSet<u32> = serde_json::from_str(&fs::read_to_string(excluded).unwrap()).unwrap();
    let mut files: BTreeMap<String, Vec<(u32, &Value)>> = BTreeMap::new();
    for (index, mutant) in list.iter().enumerate() {
        files.entry(mutant["file"].as_str().unwrap().to_owned()).or_default().push((index as u32 + 1, mutant));
    }
    for (file, listed) in files {
        let path = Path::new(root).join(&file);
        let source = fs::read_to_string(&path).unwrap();
        let mutants: Vec<Mutant> = listed.iter().filter(|(id, _)| !excluded.contains(id)).map(|&(id, value)| {
            let at = |end: &str| offset(&source, value["span"][end]["line"].as_u64().unwrap(), value["span"][end]["column"].as_u64().unwrap());
            let text = |key: &str| value[key].as_str().unwrap().to_owned();
            Mutant { id, genre: text("genre"), start: at("start"), end: at("end"), replacement: text("replacement") }
        }).collect();
        let syntax = syn::parse_file(&source).unwrap();
        let mut finder = Finder { source: &source, mutants: &mutants, sites: Vec::new(), bodies: Vec::new() };
        finder.visit_file(&syntax);
        let mut sites = finder.sites;
        let mut bodies: BTreeMap<usize, (Range<usize>, Vec<u32>)> = BTreeMap::new();
        for mutant in mutants.iter().filter(|mutant| mutant.genre == "FnValue") {
            let around = finder.bodies.iter().filter(|body| body.start <= mutant.start && mutant.end <= body.end);
            if let Some(body) = around.min_by_key(|body| body.len()) {
                bodies.entry(body.start).or_insert_with(|| (body.clone(), Vec::new())).1.push(mutant.id);
            }
        }
        sites.extend(bodies.into_values().map(|(range, ids)| Site { range, ids, change: Change::Body }));
        // Outer before inner; the guard before what replaces it, which is before what stands in it.
        sites.sort_by_key(|site| (site.range.start, std::cmp::Reverse(site.range.end)));
        let by_id: BTreeMap<u32, &Mutant> = mutants.iter().map(|mutant| (mutant.id, mutant)).collect();
        let placed: BTreeSet<u32> = sites.iter().flat_map(|site| site.ids.iter().copied()).collect();
        for mutant in mutants.iter().filter(|mutant| !placed.contains(&mutant.id)) {
            println!("{}", mutant.id);
        }
        fs::write(&path, render(&source, 0..source.len(), &sites, &by_id)).unwrap();
    }
    let module = include_str!("mutation.rs").replace("COUNT: usize = 0", &format!("COUNT: usize = {}", list.len()));
    fs::write(Path::new(root).join("src/mutation.rs"), module).unwrap();
    let library = Path::new(root).join("src/lib.rs");
    let text = fs::read_to_string(&library).unwrap();
    fs::write(&library, text.replace("pub mod mask;", "pub mod mask;\n#[allow(missing_docs)]\npub mod mutation;")).unwrap();
}
