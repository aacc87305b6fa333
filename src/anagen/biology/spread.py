"""Diffusion over the curved scalp: the surface Laplacian on the equal-area chart.

On a chart whose area element is one (det g = 1) the Laplace-Beltrami operator is
div(g^-1 grad u). It is written here as fluxes through cell faces, so nothing is lost, and the
border of the scalp lets nothing through. Fields are flat arrays over the chart's square, by rows.
"""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from anagen.scalp import Scalp


class SurfaceLaplacian(eqx.Module):
    """Weights of the nine-point stencil, zero wherever a face touches the outside.

    Parameters
    ----------
    along : (4, square) [1/mm2] normal weight of the faces to the next and previous column and row.
    across : (4, square) [1/mm2] cross weight of the same faces.
    width : number of columns.
    stiffness : [1/mm2] largest sum of weights; D dt times this must stay below one half.
    """

    along: Float[Array, "4 square"]
    across: Float[Array, "4 square"]
    width: int = eqx.field(static=True)
    stiffness: float = eqx.field(static=True)

    @classmethod
    def on(cls, scalp: Scalp) -> "SurfaceLaplacian":
        """Weights for a scalp's chart."""
        inside = np.zeros(scalp.chart_shape, bool)
        inside[scalp.row, scalp.column] = True
        return cls.on_chart(inside, scalp.metric_inverse, scalp.cell_mm)

    @classmethod
    def on_chart(
        cls, inside: np.ndarray, metric_inverse: np.ndarray, pitch: float
    ) -> "SurfaceLaplacian":
        """Weights for any square chart.

        Parameters
        ----------
        inside : (row, column) bool, with an empty border of one cell.
        metric_inverse : (3, row, column) g^xx, g^xy, g^yy.
        pitch : [mm] size of a cell.
        """
        if inside[0].any() or inside[-1].any() or inside[:, 0].any() or inside[:, -1].any():
            raise ValueError("expected an empty border of one cell around the chart")
        gxx, gxy, gyy = metric_inverse / pitch**2
        row_face = inside & _next(inside, 1)
        column_face = inside & _next(inside, 0)
        row_block = row_face & _both_sides(inside, 0) & _both_sides(_next(inside, 1), 0)
        column_block = column_face & _both_sides(inside, 1) & _both_sides(_next(inside, 0), 1)
        along_row = np.where(row_face, 0.5 * (gxx + _next(gxx, 1)), 0.0)
        along_column = np.where(column_face, 0.5 * (gyy + _next(gyy, 0)), 0.0)
        across_row = np.where(row_block, 0.125 * (gxy + _next(gxy, 1)), 0.0)
        across_column = np.where(column_block, 0.125 * (gxy + _next(gxy, 0)), 0.0)
        along = [along_row, _previous(along_row, 1), along_column, _previous(along_column, 0)]
        across = [across_row, _previous(across_row, 1), across_column, _previous(across_column, 0)]

        def flat(faces: list[np.ndarray]) -> Array:
            return jnp.asarray(np.stack([face.ravel() for face in faces]), jnp.float32)

        return cls(flat(along), flat(across), inside.shape[1], float(np.sum(along, axis=0).max()))


def laplacian(stencil: SurfaceLaplacian, field: Float[Array, " square"]) -> Float[Array, " square"]:
    """Surface Laplacian [1/mm2] of a field; sums to zero over the scalp."""
    width, size = stencil.width, field.shape[0]
    padded = jnp.pad(field, (width + 1, width + 1))

    def at(rows: int, columns: int) -> Float[Array, " square"]:
        offset = width + 1 + rows * width + columns
        return padded[offset : offset + size]

    def down(left: int, right: int) -> Float[Array, " square"]:
        return at(1, left) - at(-1, left) + at(1, right) - at(-1, right)

    def aside(upper: int, lower: int) -> Float[Array, " square"]:
        return at(upper, 1) - at(upper, -1) + at(lower, 1) - at(lower, -1)

    east, west, south, north = stencil.along
    east_x, west_x, south_x, north_x = stencil.across
    result: Array = (
        east * (at(0, 1) - field) + east_x * down(0, 1)
        - west * (field - at(0, -1)) - west_x * down(-1, 0)
        + south * (at(1, 0) - field) + south_x * aside(0, 1)
        - north * (field - at(-1, 0)) - north_x * aside(-1, 0)
    )  # fmt: skip
    return result


def _next(values: np.ndarray, axis: int) -> np.ndarray:
    return np.roll(values, -1, axis)


def _previous(values: np.ndarray, axis: int) -> np.ndarray:
    return np.roll(values, 1, axis)


def _both_sides(inside: np.ndarray, axis: int) -> np.ndarray:
    return np.asarray(_next(inside, axis) & _previous(inside, axis))
