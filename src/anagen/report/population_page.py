"""The page about the calibrated population: what was learnt, and which traits decide."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anagen._files import write_whole
from anagen.report.style import INK, MUTED, SECOND, TREATED, new_figure, tidy

if TYPE_CHECKING:
    from anagen.population.posterior import Posterior
    from anagen.population.sensitivity import Learnt, Sensitivity

_UNLEARNT = 0.2  # contraction below which the data are said not to identify a number
_DECIDES = 0.05  # total index below which a trait is left out of the picture


def write_population_page(
    posterior: "Posterior",
    learnt: Sequence["Learnt"],
    sensitivities: Sequence["Sensitivity"],
    inside: Mapping[str, Any],
    folder: Path,
) -> None:
    """Write ``population.md`` and its picture into a folder.

    Parameters
    ----------
    posterior : the calibrated population.
    learnt : prior against posterior.
    sensitivities : of the traits.
    inside : summary of `anagen.population.compare.summary`.
    folder : the page goes here, the picture into its ``images``.
    """
    picture = folder / "images" / "population.png"
    picture.parent.mkdir(parents=True, exist_ok=True)
    _draw(learnt, sensitivities, picture)
    write_whole(folder / "population.md", page(posterior, learnt, sensitivities, inside))


def page(
    posterior: "Posterior",
    learnt: Sequence["Learnt"],
    sensitivities: Sequence["Sensitivity"],
    inside: Mapping[str, Any],
) -> str:
    """Text of the page, Markdown."""
    about = posterior.about
    rows = about["diagnostics"].values()
    worst = max(max(row["r_hat"]) for row in rows)
    least = min(min(row["effective"]) for row in rows)
    parts = [
        "# The calibrated population",
        "Made by `make population-pages`; nothing on this page is written by hand.",
        f"Posterior {about['version']}: `{about['command']}`, {about['chains']} chains of "
        f"{about['draws_a_chain']} draws, {about['divergences']} divergences, worst R-hat "
        f"{worst:.3f}, least effective sample {least:.0f}.",
        "![Prior against posterior, and the traits that decide](images/population.png)",
        "## Published figures inside the predictive intervals",
        _inside_table(inside),
        "## Prior against posterior",
        "Medians in the units of `anagen parameters`, spreads as standard deviation of the "
        "logarithm; 90 % intervals. *Learnt* is the share of the prior variance that is gone; "
        f"below {_UNLEARNT:.0%} the published arms do not identify the number, and its interval "
        "is what was assumed.",
        _learnt_table(learnt),
        _unidentified(learnt),
        "## Other numbers",
        _other_table(posterior),
        "## Which traits decide (Sobol, total order)",
        "Shares of the variance between people that involve each trait; traits are taken as "
        "independent here. Half widths of 95 % intervals in brackets.",
        _sobol_table(sensitivities),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _inside_table(inside: Mapping[str, Any]) -> str:
    names = {"calibrated": "rows calibrated to", "left_out": "the same, without their study",
             "unseen": "rows never calibrated to"}  # fmt: skip
    lines = ["| | rows | inside 50 % | inside 90 % | inside 95 % |", "|---|---|---|---|---|"]
    for key, words in names.items():
        part = inside[key]
        if part["n"]:
            shares = " | ".join(f"{100 * part[f'inside_{level}']:.0f} %" for level in (50, 90, 95))
            lines.append(f"| {words} | {part['n']} | {shares} |")
    lines.append("")
    lines.append(
        f"Intervals of arms of 40 and more that are wider than 60 points, which was the aim: "
        f"{inside['wide']}. The published studies differ by more than their conditions and sizes "
        "explain, and a prediction for a new study has to carry that."
    )
    return "\n".join(lines)


def _learnt_table(learnt: Sequence["Learnt"]) -> str:
    lines = ["| | prior | posterior | learnt |", "|---|---|---|---|"]
    for row in learnt:
        before, after = (f"{m:.3g} ({low:.3g} to {high:.3g})" for low, m, high in
                         (row.prior, row.posterior))  # fmt: skip
        lines.append(f"| {row.name} | {before} | {after} | {max(row.contraction, 0.0):.0%} |")
    return "\n".join(lines)


def _unidentified(learnt: Sequence["Learnt"]) -> str:
    names = [row.name for row in learnt if row.contraction < _UNLEARNT]
    return f"**Not identified by the data:** {', '.join(names)}." if names else ""


def _other_table(posterior: "Posterior") -> str:
    import numpy as np

    words = {
        "tau": "difference between studies, standard deviation on the logit",
        "definition_sd": "further error of a fully unclear definition, on the logit",
        "log_gain": "log of severity for one unit of log odds",
        "atrophy_half": "thinning at which half of people show atrophy",
        "log_atrophy_width": "log width of that logistic",
        "log_any_odds": "log odds of any local effect over atrophy",
        "relapse_h0": "hazard of a new trigger [1/day]",
        "relapse_kappa": "shape of the frailty",
    }
    lines = ["| | 5 % | median | 95 % |", "|---|---|---|---|"]
    for name, text in words.items():
        low, middle, high = np.quantile(posterior.draws[name], (0.05, 0.5, 0.95))
        lines.append(f"| {text} | {low:.3g} | {middle:.3g} | {high:.3g} |")
    for place, word in enumerate(posterior.about["words"]):
        ends = np.quantile(posterior.draws["meaning"][:, place], (0.05, 0.5, 0.95))
        shown = " | ".join(f"{value:.2f}" for value in ends)
        lines.append(f"| threshold of '{word}', in half ranges from where it was put | {shown} |")
    return "\n".join(lines)


def _sobol_table(sensitivities: Sequence["Sensitivity"]) -> str:
    keys = sorted(
        sensitivities[0].total, key=lambda key: -max(one.total[key] for one in sensitivities)
    )
    heading = " | ".join(one.outcome for one in sensitivities)
    lines = [f"| trait | {heading} |", "|---|" + "---|" * len(sensitivities)]
    for key in keys:
        if max(one.total[key] for one in sensitivities) >= _DECIDES:
            cells = [f"{one.total[key]:.2f} ({one.total_error[key]:.2f})" for one in sensitivities]
            lines.append(f"| {key} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _draw(learnt: Sequence["Learnt"], sensitivities: Sequence["Sensitivity"], path: Path) -> None:
    """Left: intervals relative to the prior's middle. Right: total indices."""
    import numpy as np

    figure = new_figure(11.0, 6.2)
    figure.set_facecolor("white")
    left = figure.add_axes((0.22, 0.17, 0.26, 0.76))
    place = np.arange(len(learnt))[::-1]
    for row, y in zip(learnt, place, strict=True):
        middle = row.prior[1]
        for ends, colour, shift in ((row.prior, MUTED, 0.16), (row.posterior, TREATED, -0.16)):
            low, centre, high = (value / middle for value in ends)
            left.plot([low, high], [y + shift] * 2, color=colour, linewidth=2.2,
                      solid_capstyle="butt")  # fmt: skip
            left.plot([centre], [y + shift], "o", color=colour, markersize=4)
    left.set_xscale("log")
    ticks = [0.25, 0.5, 1.0, 2.0, 4.0]
    left.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    left.minorticks_off()
    left.set_yticks(place, [row.name for row in learnt], color=INK)
    left.set_xlabel("relative to the middle of the prior", color=INK)
    left.set_title("Prior (grey) and posterior (blue), 90 %", color=INK, fontsize=10, loc="left")
    tidy(left)
    right = figure.add_axes((0.70, 0.17, 0.27, 0.76))
    keys = [
        key for key in sensitivities[0].total
        if max(one.total[key] for one in sensitivities) >= _DECIDES
    ]  # fmt: skip
    rows = np.arange(len(keys))[::-1]
    thick = 0.8 / len(sensitivities)
    colours = (TREATED, SECOND, "#3f8f5b", "#b0501c", "#9a7d0a")
    for number, one in enumerate(sensitivities):
        right.barh(rows + 0.4 - thick * (number + 0.5), [one.total[key] for key in keys],
                   height=thick * 0.9, color=colours[number % len(colours)],
                   label=one.outcome)  # fmt: skip
    right.set_yticks(rows, keys, color=INK)
    right.set_xlabel("total Sobol index", color=INK)
    right.set_title("Which traits decide", color=INK, fontsize=10, loc="left")
    figure.legend(*right.get_legend_handles_labels(), fontsize=8, frameon=False, ncols=3,
                  loc="lower center", labelcolor=INK)  # fmt: skip
    tidy(right)
    right.grid(False, axis="y")
    figure.savefig(path, dpi=130, facecolor="white")


def main(folder: Path = Path("docs")) -> None:
    """Write the page of the calibrated population that the package carries."""
    from anagen.evidence.published import load_arms
    from anagen.population.compare import compare_arms, summary
    from anagen.population.posterior import load_posterior
    from anagen.population.sensitivity import learnt, sobol

    inside = summary(compare_arms(load_arms()))
    write_population_page(load_posterior(), learnt(), sobol(), inside, folder)


if __name__ == "__main__":
    main()
