//! How much a template may hold, and how much may be made of it.
//!
//! The numbers of AWS are those of the CloudFormation User Guide, "Understand CloudFormation quotas" (read in 2026); none
//! of them can be raised. Where AWS documents none, the sandbox has one of its own: it runs beside other things, and
//! whoever may send it a template must not be able to stop it.

/// A template in a request, in bytes (AWS).
pub(super) const BODY_BYTES: usize = 51_200;
/// A template in a bucket, in bytes (AWS: 1 MB).
pub(super) const OBJECT_BYTES: usize = 1_000_000;
/// Resources of a template (AWS).
pub(super) const RESOURCES: usize = 500;
/// Parameters of a template (AWS).
pub(super) const PARAMETERS: usize = 200;
/// Outputs of a template (AWS).
pub(super) const OUTPUTS: usize = 200;
/// Mappings of a template (AWS).
pub(super) const MAPPINGS: usize = 200;
/// Attributes of a mapping (AWS).
pub(super) const MAPPING_ATTRIBUTES: usize = 200;
/// The name of a resource, parameter, output, mapping or attribute of a mapping, in characters (AWS).
pub(super) const NAME: usize = 255;
/// The value of a parameter, in bytes (AWS).
pub(super) const PARAMETER_BYTES: usize = 4096;
/// The description of a template, in bytes (AWS).
pub(super) const DESCRIPTION_BYTES: usize = 1024;

/// Levels of lists and objects in a template, the outermost included (the sandbox's own). The functions of real templates
/// nest fewer than twenty.
pub(super) const DEPTH: usize = 64;

/// Values of a template in YAML, keys included (the sandbox's own). Reading one takes some twenty microseconds in an
/// unoptimised build; real templates have one for every fifteen bytes or more, so those of 1 MB stay below.
pub(super) const YAML_VALUES: usize = 100_000;

/// The work that resolving the functions of one operation on a stack may take, in bytes: those of every text that a
/// function makes, and [`VALUE_WORK`] for every value (the sandbox's own). A template of 1 MB that is resolved as it
/// stands needs a quarter of it.
pub(super) const RESOLVE_WORK: usize = 16 << 20;
/// What a value costs beside its text: about as much as it takes in memory.
pub(super) const VALUE_WORK: usize = 64;
