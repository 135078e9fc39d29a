"""What a recipe changes in a whole batch, on the device, after its images were cropped, mirrored and normalised."""

from dataclasses import dataclass

from torch import Tensor

from resnetc.runtime.augmentation.colour import ColourChanger
from resnetc.runtime.augmentation.crop_and_flip import Normaliser
from resnetc.runtime.augmentation.erasing import erase_boxes
from resnetc.runtime.augmentation.mixing import PairMixer
from resnetc.runtime.data.preprocessing import Preprocessing
from resnetc.runtime.recipe.recipe import Recipe
from resnetc.runtime.step.training_step import BatchTransform


@dataclass(frozen=True, slots=True)
class RecipeTransform:
    """Colours of an image, a box of it, then the pairs of a batch; what the recipe does not ask for is None or 0."""

    seed: int
    colours: ColourChanger | None
    erasing: float
    mixer: PairMixer | None

    def __call__(self, images: Tensor, targets: Tensor, epoch: int | Tensor, index: Tensor) -> tuple[Tensor, Tensor]:
        """Images and targets instead of these; targets that are mixed are shares of the classes."""
        if self.colours is not None:
            images = self.colours(images, epoch, index)
        if self.erasing:
            images = erase_boxes(images, self.erasing, self.seed, epoch, index)
        return self.mixer(images, targets, epoch, index) if self.mixer is not None else (images, targets)


def build_batch_transform(
    recipe: Recipe, preprocessing: Preprocessing, normaliser: Normaliser
) -> BatchTransform | None:
    """The transform of a recipe; None where it changes nothing, so that it costs nothing."""
    colours = mixer = None
    if recipe.color_jitter or recipe.lighting:
        colours = ColourChanger(
            recipe.seed,
            recipe.color_jitter,
            light=recipe.lighting,
            black_and_white=preprocessing.range,
            mean=normaliser.mean,
            scale=normaliser.scale,
        )
    if recipe.mixup or recipe.cutmix:
        device = normaliser.scale.device
        mixer = PairMixer(
            recipe.seed, recipe.mixup, cutmix=recipe.cutmix, classes=len(preprocessing.classes), device=device
        )
    if colours is None and mixer is None and not recipe.random_erasing:
        return None
    return RecipeTransform(recipe.seed, colours, recipe.random_erasing, mixer)
