//! Which YOLO-World-Seg a checkpoint is, read from its tensors' names and shapes alone.

use std::fmt;

use super::network::Parameter;
use super::{text, ModelError, Weights};

/// The two published families. They differ in inference in nothing but this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// Texts are enhanced by the image; class embeddings are divided by their length.
    V1,
    /// Texts stay as they are; class embeddings are batch-normalised.
    V2,
}

/// The published sizes with segmentation configs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Size {
    /// Width 0.75, depth 0.67.
    M,
    /// Width 1, depth 1.
    L,
}

/// Everything that has to be known to build the network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Architecture {
    /// v1 or v2.
    pub family: Family,
    /// Channels of the stem and of the four stages.
    pub widths: [usize; 5],
    /// Bottlenecks in each stage.
    pub backbone_blocks: [usize; 4],
    /// Bottlenecks in each layer of the neck.
    pub neck_blocks: usize,
    /// Heads of the text attention at P3, P4, P5.
    pub attention_heads: [usize; 3],
    /// The text enhancer: v1 only.
    pub enhancer: Option<EnhancerSize>,
    /// Sizes of the head's branches.
    pub head: HeadSize,
    /// The text encoder.
    pub text: TextSize,
}

/// Sizes of the text enhancer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EnhancerSize {
    /// Channels of queries, keys and values.
    pub width: usize,
    /// Attention heads.
    pub heads: usize,
}

/// Sizes of the head's branches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeadSize {
    /// Hidden channels of the class branch.
    pub class_hidden: usize,
    /// Hidden channels of the box branch.
    pub box_hidden: usize,
    /// Bins of the distribution over a side's distance.
    pub box_bins: usize,
    /// Hidden channels of the mask coefficients' branch.
    pub mask_hidden: usize,
    /// Hidden channels of the prototypes' branch.
    pub prototype_hidden: usize,
}

/// Sizes of the text encoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextSize {
    /// Width of a hidden state.
    pub width: usize,
    /// Transformer layers.
    pub layers: usize,
    /// Attention heads.
    pub heads: usize,
    /// Hidden width of a layer's perceptron.
    pub mlp: usize,
    /// Width of an embedding, and of the text rows the image network reads.
    pub projection: usize,
}

/// Most channels a layer may have.
const MAX_WIDTH: usize = 8192;
/// Most blocks or layers that may follow each other.
const MAX_DEPTH: usize = 64;

const BACKBONE: &str = "backbone.image_model";
const HEAD: &str = "bbox_head.head_module";
const ENHANCER: &str = "neck.text_enhancer";

impl Architecture {
    /// A published architecture.
    pub fn reference(family: Family, size: Size) -> Self {
        let (widths, backbone_blocks, neck_blocks, attention_heads) = match size {
            Size::M => ([48, 96, 192, 384, 576], [2, 4, 4, 2], 2, [3, 6, 9]),
            Size::L => ([64, 128, 256, 512, 512], [3, 6, 6, 3], 3, [4, 8, 8]),
        };
        let p3 = widths[2];
        Self {
            family,
            widths,
            backbone_blocks,
            neck_blocks,
            attention_heads,
            enhancer: (family == Family::V1).then_some(EnhancerSize { width: 256, heads: 8 }),
            head: HeadSize {
                class_hidden: p3,
                box_hidden: 64,
                box_bins: 16,
                mask_hidden: p3 / 4,
                prototype_hidden: 256,
            },
            text: TextSize { width: 512, layers: 12, heads: 8, mlp: 2048, projection: 512 },
        }
    }

    /// Reads the architecture from names and shapes. File names and metadata play no part.
    ///
    /// Detection looks at the few tensors that determine the rest and bounds every size; whether all
    /// other tensors agree is [`check_parameters`](super::network::check_parameters)' question.
    ///
    /// # Errors
    ///
    /// If the weights are not a YOLO-World-Seg's, hold no text encoder, or have absurd sizes.
    pub fn detect(weights: &impl Weights) -> Result<Self, ModelError> {
        let shapes = Shapes(weights);
        let enhancer = enhancer_size(&shapes)?;
        let architecture = Self {
            family: if enhancer.is_some() { Family::V1 } else { Family::V2 },
            widths: backbone_widths(&shapes)?,
            backbone_blocks: backbone_blocks(&shapes)?,
            neck_blocks: shapes.depth("neck.top_down_layers.0.blocks.", ".conv1.conv.weight")?,
            attention_heads: attention_heads(&shapes)?,
            enhancer,
            head: head_size(&shapes)?,
            text: text_size(&shapes)?,
        };
        architecture.check_heads()?;
        Ok(architecture)
    }

    /// Channels of P3, P4, P5, in the backbone as in the neck.
    pub fn pyramid_widths(&self) -> [usize; 3] {
        [self.widths[2], self.widths[3], self.widths[4]]
    }

    /// The published size this is, if it is one.
    pub fn size(&self) -> Option<Size> {
        [Size::M, Size::L].into_iter().find(|&size| *self == Self::reference(self.family, size))
    }

    /// Every tensor a checkpoint of this architecture holds.
    pub fn parameters(&self) -> Vec<Parameter> {
        let mut parameters = super::network::Graph::new(self).parameters();
        parameters.extend(text::parameters(&self.text));
        parameters
    }

    fn check_heads(&self) -> Result<(), ModelError> {
        let layers = ["top_down_layers.1", "top_down_layers.0", "bottom_up_layers.1"];
        for ((layer, heads), width) in layers.iter().zip(self.attention_heads).zip(self.pyramid_widths()) {
            let channels = width / 2;
            if channels % heads != 0 {
                return Err(ModelError::Heads { name: format!("neck.{layer}.attn_block"), heads, channels });
            }
        }
        Ok(())
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Family::V1 => "v1",
            Family::V2 => "v2",
        })
    }
}

/// `v1-M`, or width and depth as multiples of L's: `v1-w0.125-d0.33`.
impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.size() {
            Some(size) => write!(f, "{}-{size:?}", self.family),
            None => {
                let width = self.widths[0] as f64 / 64.0;
                let depth = self.backbone_blocks[0] as f64 / 3.0;
                write!(f, "{}-w{width}-d{depth:.2}", self.family)
            }
        }
    }
}

fn backbone_widths(shapes: &Shapes<'_, impl Weights>) -> Result<[usize; 5], ModelError> {
    let width = |layer: &str| shapes.conv_out("backbone width", &format!("{BACKBONE}.{layer}.conv.weight"));
    Ok([width("stem")?, width("stage1.0")?, width("stage2.0")?, width("stage3.0")?, width("stage4.0")?])
}

fn backbone_blocks(shapes: &Shapes<'_, impl Weights>) -> Result<[usize; 4], ModelError> {
    let blocks = |stage| shapes.depth(&format!("{BACKBONE}.stage{stage}.1.blocks."), ".conv1.conv.weight");
    Ok([blocks(1)?, blocks(2)?, blocks(3)?, blocks(4)?])
}

/// The attention has one bias a head.
fn attention_heads(shapes: &Shapes<'_, impl Weights>) -> Result<[usize; 3], ModelError> {
    let heads = |layer| shapes.size("attention heads", &format!("neck.{layer}.attn_block.bias"), 0, 1, 1);
    Ok([heads("top_down_layers.1")?, heads("top_down_layers.0")?, heads("bottom_up_layers.1")?])
}

fn enhancer_size(shapes: &Shapes<'_, impl Weights>) -> Result<Option<EnhancerSize>, ModelError> {
    let name = format!("{ENHANCER}.query.1.weight");
    if shapes.0.shape(&name).is_none() {
        return Ok(None);
    }
    let width = shapes.linear("text enhancer width", &name, 0)?;
    let heads = heads_for(ENHANCER, width, ENHANCER_HEAD_WIDTH, MIN_ENHANCER_HEADS)?;
    Ok(Some(EnhancerSize { width, heads }))
}

fn head_size(shapes: &Shapes<'_, impl Weights>) -> Result<HeadSize, ModelError> {
    let hidden = |branch: &str| shapes.conv_out("width of a head branch", &format!("{HEAD}.{branch}.conv.weight"));
    let sides = shapes.conv_out("number of distance bins", &format!("{HEAD}.reg_preds.0.2.weight"))?;
    Ok(HeadSize {
        class_hidden: hidden("cls_preds.0.0")?,
        box_hidden: hidden("reg_preds.0.0")?,
        box_bins: sides / 4,
        mask_hidden: hidden("seg_preds.0.0")?,
        prototype_hidden: hidden("proto_pred.conv1")?,
    })
}

fn text_size(shapes: &Shapes<'_, impl Weights>) -> Result<TextSize, ModelError> {
    if !shapes.0.names().iter().any(|name| name.starts_with("backbone.text_model.")) {
        return Err(ModelError::NoTextEncoder);
    }
    let size = |what, name: String, axis| shapes.linear(what, &name, axis);
    let embedding = format!("{}.embeddings.token_embedding.weight", text::TRANSFORMER);
    let width = size("text encoder width", embedding, 1)?;
    let layers = format!("{}.encoder.layers.", text::TRANSFORMER);
    Ok(TextSize {
        width,
        layers: shapes.depth(&layers, ".mlp.fc1.weight")?,
        heads: heads_for(text::TRANSFORMER, width, TEXT_HEAD_WIDTH, MIN_TEXT_HEADS)?,
        mlp: size("width of the text encoder's perceptron", format!("{layers}0.mlp.fc1.weight"), 0)?,
        projection: size("text embedding width", text::PROJECTION.to_owned(), 0)?,
    })
}

/// Channels of a head in every CLIP text encoder, and the fewest heads of smaller ones.
const TEXT_HEAD_WIDTH: usize = 64;
const MIN_TEXT_HEADS: usize = 2;
/// Channels of a head in the published text enhancers, and the fewest heads of smaller ones.
const ENHANCER_HEAD_WIDTH: usize = 32;
const MIN_ENHANCER_HEADS: usize = 4;

/// Heads of an attention whose shapes do not tell them.
///
/// A convention, not a law: CLIP's text encoders have heads of 64 channels at any width (512: 8), the
/// enhancers of YOLO-World heads of 32 (256: 8). Reduced networks keep at least 2 and 4 heads: those
/// with text encoders of 8 and 16 and enhancers of 32 channels reproduce the reference's results with
/// these numbers and no others.
fn heads_for(name: &str, channels: usize, head_width: usize, min: usize) -> Result<usize, ModelError> {
    let heads = (channels / head_width).max(min);
    if channels % heads != 0 {
        return Err(ModelError::Heads { name: name.to_owned(), heads, channels });
    }
    Ok(heads)
}

/// Shapes of weights, with bounds.
struct Shapes<'a, W>(&'a W);

impl<W: Weights> Shapes<'_, W> {
    /// A tensor's size along an axis of `rank`.
    fn size(&self, what: &'static str, name: &str, axis: usize, rank: usize, min: usize) -> Result<usize, ModelError> {
        let absent = || ModelError::NotYoloWorldSeg { name: name.to_owned(), role: what };
        let shape = self.0.shape(name).ok_or_else(absent)?;
        if shape.len() != rank {
            return Err(ModelError::Rank { name: name.to_owned(), rank, found: shape.to_vec() });
        }
        let value = shape[axis];
        if !(min..=MAX_WIDTH).contains(&value) {
            let name = name.to_owned();
            return Err(ModelError::Size { what, name, value, min, max: MAX_WIDTH });
        }
        Ok(value)
    }

    /// Channels a convolution writes.
    fn conv_out(&self, what: &'static str, name: &str) -> Result<usize, ModelError> {
        self.size(what, name, 0, 4, 2)
    }

    /// A size of a linear layer's weight: 0 for what it writes, 1 for what it reads.
    fn linear(&self, what: &'static str, name: &str, axis: usize) -> Result<usize, ModelError> {
        self.size(what, name, axis, 2, 2)
    }

    /// How many numbered modules follow each other from 0, each known by one of its tensors.
    fn depth(&self, prefix: &str, suffix: &str) -> Result<usize, ModelError> {
        let name = |index: usize| format!("{prefix}{index}{suffix}");
        let depth = (0..=MAX_DEPTH).take_while(|&index| self.0.shape(&name(index)).is_some()).count();
        match depth {
            0 => Err(ModelError::NotYoloWorldSeg { name: name(0), role: "first of a chain of blocks" }),
            1..=MAX_DEPTH => Ok(depth),
            _ => {
                let what = "number of blocks in a row";
                Err(ModelError::Size { what, name: name(depth - 1), value: depth, min: 1, max: MAX_DEPTH })
            }
        }
    }
}
