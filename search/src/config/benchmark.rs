//! What a configuration becomes for a tabular benchmark: a query costs nothing, so nothing but the
//! space's own ends bounds the network archive.

use super::{AxisConfig, BudgetConfig, SearchConfig};
use crate::archive::Scale;
use crate::benchmark::nasbench201::{Dataset, Table};
use crate::evaluate::table::{depth, width};
use crate::measures::Descriptor;
use crate::prompt::InstructionSet;
use nasc_compiler::cell::{Cell, CellOperation, EDGES};

/// Tokens of a cell's six edges, and room for a model that writes all of a class.
const MAX_TOKENS: u32 = 300;

impl SearchConfig {
    /// The configuration for the cells of a table: its instructions, and axes that end where the table
    /// does. A linear ratio axis, as the paper's, stays.
    #[must_use]
    pub fn for_cells(self, table: &Table, dataset: Dataset) -> Self {
        let (least, most) = table.mac_bounds(dataset);
        // LLMatic, section 4.2: the bounds are the smallest and the largest FLOPs of the table.
        let macs = AxisConfig {
            descriptor: Descriptor::Macs,
            min: least as f64,
            max: most as f64,
            scale: Scale::Linear,
        };
        let ratio = self.ratio_axis().filter(|axis| axis.scale == Scale::Linear);
        let axes = vec![ratio.unwrap_or_else(|| own_ratio(dataset)), macs];
        let mut config = self;
        config.network_archive.axes = axes;
        if config.prompts.instructions == InstructionSet::Mutation {
            config.prompts.instructions = InstructionSet::Nasbench201;
        }
        config.language_model.max_tokens = MAX_TOKENS;
        config.budget = BudgetConfig {
            max_params: i64::MAX as u64,
            max_macs: i64::MAX as u64,
            max_memory_bytes: i64::MAX as u64,
        };
        config
    }

    fn ratio_axis(&self) -> Option<AxisConfig> {
        let axes = &self.network_archive.axes;
        axes.iter().copied().find(|axis| axis.descriptor == Descriptor::WidthToDepth)
    }
}

/// From the deepest cell to the shallowest.
fn own_ratio(dataset: Dataset) -> AxisConfig {
    let ratio = |operation| width(dataset) as f64 / depth(Cell([operation; EDGES])) as f64;
    AxisConfig {
        descriptor: Descriptor::WidthToDepth,
        min: ratio(CellOperation::Convolution3x3),
        max: ratio(CellOperation::None),
        scale: Scale::Logarithmic,
    }
}
