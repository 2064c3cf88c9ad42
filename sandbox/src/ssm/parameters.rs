//! The parameters of one region by their names.

use std::collections::BTreeMap;
use std::collections::btree_map::Iter;

use super::parameter::Parameter;

/// Parameters by name. `/x` and `x` name the same one, for they have the same ARN; what is listed has the name that it was
/// made with. Recorded on AWS by LocalStack (8b9a79f0) and moto (0af643a5).
#[derive(Debug, Clone, Default)]
pub(super) struct Parameters(BTreeMap<String, Parameter>);

impl Parameters {
    pub(super) fn get(&self, name: &str) -> Option<&Parameter> {
        self.0.get(name).or_else(|| self.0.get(&twin(name)?))
    }

    pub(super) fn get_mut(&mut self, name: &str) -> Option<&mut Parameter> {
        let name = self.key(name)?;
        self.0.get_mut(&name)
    }

    pub(super) fn remove(&mut self, name: &str) -> Option<Parameter> {
        let name = self.key(name)?;
        self.0.remove(&name)
    }

    /// A new one. That there is none yet is for the caller to see.
    pub(super) fn insert(&mut self, name: String, parameter: Parameter) {
        self.0.insert(name, parameter);
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// In the order of their names.
    pub(super) fn iter(&self) -> Iter<'_, String, Parameter> {
        self.0.iter()
    }

    /// The name that the parameter was made with.
    fn key(&self, name: &str) -> Option<String> {
        if self.0.contains_key(name) {
            return Some(name.to_owned());
        }
        twin(name).filter(|twin| self.0.contains_key(twin))
    }
}

/// The other name of what stands in the root: with the slash or without it.
fn twin(name: &str) -> Option<String> {
    match name.strip_prefix('/') {
        Some(rest) if !rest.contains('/') => Some(rest.to_owned()),
        None if !name.contains('/') => Some(format!("/{name}")),
        Some(_) | None => None,
    }
}
