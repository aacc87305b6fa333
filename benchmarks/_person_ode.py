"""The fast person's equations for solvers of ordinary differential equations.

One patch in classes; 22 states and three shaft lengths a class, and what is left in the depots of
each session as the square M of its crystals' share of size (negative when they are gone, so that no
slope jumps). The release, which the fast person takes as the mean of a day, is then a function of
M, the same in every solver.
"""

import ast
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

WEEK = 7.0
_EMPTY = -1.0
SHARES = (
    "e1", "e2", "r1", "r2", "r3", "v", "i", "t", "d", "c", "t1", "t2", "t3", "t4", "k", "x",
)  # fmt: skip
FIELDS = (
    "attack",
    "privilege",
    "tolerance",
    *SHARES,
    "lv",
    "li",
    "lt",
    "synthesis",
    "fast",
    "slow",
)
VISIBLE = ("v", "i", "t", "d", "c", "t1", "t2", "t3", "t4")


@dataclass
class Patch:
    """One person's patch as numbers of the equations.

    Parameters
    ----------
    number : parameters by short name; flow : (class, class) [1/day] spread of the attack.
    bulb, dermal : (class, point) [ug/mL] at full release.
    share : (class,) of the patch's area; start : (field, class).
    days : of the sessions.
    """

    number: dict[str, float]
    flow: np.ndarray
    bulb: np.ndarray
    dermal: np.ndarray
    share: np.ndarray
    start: np.ndarray
    days: tuple[int, ...]

    @property
    def classes(self) -> int:
        return len(self.share)


def patch_of(traits: dict[str, float], diameter: float, strength: float, days: tuple) -> Patch:
    """Take the numbers from the fast person itself."""
    import jax
    import jax.numpy as jnp

    from anagen.biology.depot import saturated_release
    from anagen.biology.immunity import crowding
    from anagen.evidence.parameters import load_parameters
    from anagen.population import person as fast
    from anagen.population.layout import build_layout

    with jax.enable_x64(True):
        body = fast.with_traits(
            fast.typical_body(load_parameters()), {k: jnp.asarray(v) for k, v in traits.items()}
        )
        layout = build_layout(diameter, 10.0)
        classes, product = fast.classes_of(layout), fast.product_of("ta10")
        used = layout.area > 0
        full = fast.concentrations(body, classes, product, 0.1, 3.0)
        start = fast.starting(body, classes, fast.Start(*map(jnp.asarray, (0.0, 0.0, 1.0, 0.0))))
        modules = (body.tissue.immunity, body.tissue.follicle, body.tissue.skin)
        number = {name: float(value) for module in modules for name, value in vars(module).items()
                  if name != "half_effect"}  # fmt: skip
        number |= {"half_effect": float(body.tissue.immunity.half_effect),
                   "skin_half_effect": float(body.tissue.skin.half_effect),
                   "crowding": float(crowding(body.tissue.immunity)),
                   "density": float(body.density)}  # fmt: skip
        release = saturated_release(body.depot, body.dermis, jnp.asarray([0.1]),
                                    jnp.asarray([product.solubility]))  # fmt: skip
        dose = 1e3 * strength * 0.1 * product.active_fraction
        number["saturated_time"] = dose / float(release[0])
        number["crystal_time"] = (
            product.crystal_density
            * product.crystal_radius**2
            / (2e-3 * float(body.depot.water_diffusivity) * product.solubility)
        )
    flow = layout.back @ (layout.rate[:, None] * layout.forward) * number["mobility"]
    every = (*start.immune, *start.hair.shares, *start.hair.lengths, *start.skin)
    fields = np.stack([np.asarray(part, float) for part in every])
    fields[FIELDS.index("lt")] = fields[FIELDS.index("t")] * healthy_length(number)
    flow = np.where(np.abs(flow) > 1e-9, flow, 0.0)[np.ix_(used, used)]
    bulb, dermal = (np.asarray(part, float)[used] for part in full)
    share = layout.area * layout.inside
    return Patch(number, flow, bulb, dermal, (share / share.sum())[used], fields[:, used], days)


def healthy_length(number: dict[str, float]) -> float:
    """Mean length [mm] of healthy terminal hair, at rest."""
    wear = number["growth"] / number["shade_length"]
    return number["growth"] / (wear + 1.0 / number["anagen_time"])


def right_hand_side(patch: Patch) -> Any:
    """Slope of the state, all classes at once, for SciPy; the depots follow the classes."""
    n, q = patch.number, type("Numbers", (), patch.number)
    count = patch.classes
    size = len(FIELDS) * count
    a, b = 3.0 * n["saturated_time"], 2.0 * n["crystal_time"]
    theta, half = n["collapse_threshold"] ** 2, n["half_attack"] ** 2
    wear = n["growth"] / n["shade_length"]

    def slope(_: float, y: np.ndarray) -> np.ndarray:
        out = np.zeros_like(y)
        left = np.sqrt(np.maximum(y[size:], 0.0))
        released = np.sum(a * left / (a * left + b))
        out[size:] = -2.0 / (a * left + b)
        (T, P, R, e1, e2, r1, r2, r3, v, i, t, d, c, t1, t2, t3, t4, k, x, lv, li, lt,  # noqa: N806
         s, hf, hs) = y[:size].reshape(-1, count)  # fmt: skip
        at = released * patch.bulb
        drug = (at / (q.half_effect + at)).mean(1)
        at = released * patch.dermal
        skin = (at / (q.skin_half_effect + at)).mean(1)
        collapsed = 1.0 - P
        gain = q.activation * collapsed * (1.0 - drug) / (1.0 + R**4)
        loss = q.loss * (1.0 + q.survival_effect * drug) + q.crowding * T
        to = theta / (theta + T * T)
        inflamed = T * collapsed * (1.0 - drug)
        harm = inflamed**2 / (half + inflamed**2)
        calm = 1.0 - harm
        arrest = q.attack_rate * harm
        early, recovering = 2.0 / q.early_time, 3.0 / q.recovering_time
        mature = 2.0 / q.maturing_time * calm
        regress = (1.0 + q.catagen_gain * harm + q.direct_catagen_effect * drug) / q.anagen_time
        telogen, held = 4.0 / q.telogen_time, 1.0 - q.telogen_hold * harm
        shed, renew = telogen * held * t4, held / q.kenogen_time * k
        broken, rescued = harm / q.dystrophic_time * d, calm / q.dystrophic_time * d
        freed = q.release_rate * calm * calm * x
        target = 1.0 - q.max_inhibition * skin
        out[:size] = np.concatenate([
            patch.flow @ T + T * (gain - loss) + q.residue * collapsed,
            (to - P) / np.where(to < P, q.collapse_time, q.rebuild_time),
            T / q.tolerance_time - R / q.forget_time,
            (1.0 - q.kenogen_share) * shed + renew - (early + arrest) * e1,
            early * e1 - (early + arrest) * e2,
            freed - (recovering + arrest) * r1,
            recovering * r1 - (recovering + arrest) * r2,
            recovering * r2 - (recovering + arrest) * r3,
            recovering * r3 - (arrest + mature) * v,
            mature * v - (arrest + mature) * i,
            mature * i + early * e2 + rescued - (arrest + regress) * t,
            arrest * t - broken - rescued,
            regress * t - c / q.catagen_time,
            c / q.catagen_time - telogen * t1,
            telogen * (t1 - t2),
            telogen * (t2 - t3),
            telogen * t3 - shed,
            q.kenogen_share * shed - renew,
            arrest * (e1 + e2 + r1 + r2 + r3 + v + i) + broken - freed,
            q.growth * v - (wear + arrest + mature) * lv,
            q.growth * i - (wear + arrest + mature) * li + mature * lv,
            q.growth * t - (wear + arrest + regress) * lt + mature * li + q.shade_length * rescued,
            (target - s) / np.where(target < s, q.stop_time, q.restart_time),
            q.fast_rate * (s - hf),
            q.slow_rate * (s - hs),
        ])  # fmt: skip
        return out

    return slope


def outcome(patch: Patch, y: np.ndarray) -> dict[str, np.ndarray]:
    """Cover, hair share, thickness and attack of the patch from states (week, state)."""
    n, count = patch.number, patch.classes
    field = dict(zip(FIELDS, y[:, : len(FIELDS) * count].reshape(len(y), -1, count)
                     .transpose(1, 0, 2), strict=True))  # fmt: skip
    visible = sum(field[name] for name in VISIBLE)
    old = sum(field[name] for name in VISIBLE[3:])
    shade = (
        n["calibre_vellus"] * field["lv"] + n["calibre_intermediate"] * field["li"]
        + n["calibre_terminal"] * (field["lt"] + n["shade_length"] * old)
    )  # fmt: skip
    healthy = patch.start[:, patch.share == 0]
    if healthy.shape[1]:
        normal = dict(zip(FIELDS, healthy[:, 0], strict=True))
        full = n["calibre_terminal"] * (
            normal["lt"] + n["shade_length"] * sum(normal[name] for name in VISIBLE[3:])
        )
    hidden = np.expm1(-n["density"] * shade) / np.expm1(-n["density"] * full)
    thick = n["fast_share"] * field["fast"] + (1.0 - n["fast_share"]) * field["slow"]
    return {
        "cover": hidden @ patch.share,
        "hair_share": visible @ patch.share,
        "thickness": thick @ patch.share,
        "attack": field["attack"] @ patch.share,
    }


def solve_scipy(patch: Patch, weeks: int, rtol: float, solver: str = "odeint") -> np.ndarray:
    """States (week + 1, state) by LSODA, restarted at every session and when a depot is empty."""
    from scipy.integrate import odeint, solve_ivp

    slope = right_hand_side(patch)
    size = len(FIELDS) * patch.classes
    y = np.concatenate([patch.start.ravel(), np.full(len(patch.days), _EMPTY)])
    end = weeks * WEEK
    saves = np.arange(0.0, end + 1.0, WEEK)
    rows = []
    lasting = patch.number["saturated_time"] + patch.number["crystal_time"]
    stops = {0.0, *map(float, patch.days), *(day + lasting for day in patch.days)}
    edges = [*sorted(stop for stop in stops if stop < end), end]
    for first, last in pairwise(edges):
        y[size:][np.array(patch.days, float) == first] = 1.0
        inner = saves[(saves >= first) & (saves < last)]
        times = np.unique(np.concatenate([[first], inner, [last]]))
        tolerance = {"rtol": rtol, "atol": 1e-2 * rtol}
        if solver == "odeint":
            found = odeint(slope, y, times, tfirst=True, mxstep=100_000, **tolerance)
        else:
            done = solve_ivp(slope, (first, last), y, "LSODA", times, **tolerance)
            if not done.success:
                raise RuntimeError(done.message)
            found = done.y.T
        rows.append(found[:-1][np.isin(times[:-1], inner)])
        y = found[-1].copy()
    return np.concatenate([*rows, y[None]])


# --- the same as SBML, one rate rule a state ------------------------------------------------------


def sbml(patch: Patch) -> str:
    """SBML of the equations; parameters of the person can be changed after loading."""
    listed, rules = [], []

    def parameter(name: str, value: float, constant: bool) -> None:
        flag = "true" if constant else "false"
        listed.append(f'<parameter id="{name}" value="{float(value)!r}" constant="{flag}"/>')

    def rule(kind: str, name: str, formula: str) -> None:
        rules.append(f'<{kind}Rule variable="{name}">{mathml(formula)}</{kind}Rule>')

    for name, value in patch.number.items():
        parameter(f"p_{name}", value, True)
    for number in range(len(patch.days)):
        parameter(f"M_{number}", _EMPTY, False)
        rule("rate", f"M_{number}", f"-2/({_slowness(number)}+2*p_crystal_time)")
    parameter("released", 0.0, False)
    # Every name with a rule is put in wherever it stands, so formulas name them sparingly.
    terms = [
        f"1-2*p_crystal_time/({_slowness(n)}+2*p_crystal_time)" for n in range(len(patch.days))
    ]
    rule("assignment", "released", "+".join(terms) or "0")
    for index in range(patch.classes):
        for name, formula in _class_formulas(patch, index).items():
            parameter(f"{name}_{index}", 0.0, False)
            rule("assignment", f"{name}_{index}", formula)
        for name, value in zip(FIELDS, patch.start[:, index], strict=True):
            parameter(f"{name}_{index}", value, False)
        for name, formula in _class_rates(patch, index).items():
            rule("rate", f"{name}_{index}", formula)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<sbml xmlns="http://www.sbml.org/sbml/level3/version1/core" level="3" version="1">'
        f'<model id="patch"><listOfParameters>{"".join(listed)}</listOfParameters>'
        f"<listOfRules>{''.join(rules)}</listOfRules>"
        f"<listOfEvents>{''.join(map(_event, range(len(patch.days)), patch.days))}</listOfEvents>"
        "</model></sbml>"
    )


def _slowness(number: int) -> str:
    """Three times the saturated time, times the crystals' share of size; no branch, so no delay."""
    return f"3*p_saturated_time*sqrt((M_{number}+abs(M_{number}))/2)"


def _event(number: int, day: int) -> str:
    trigger = mathml(f"time>={day}")
    return (
        f'<event id="session_{number}" useValuesFromTriggerTime="true">'
        f'<trigger initialValue="false" persistent="true">{trigger}</trigger>'
        f'<listOfEventAssignments><eventAssignment variable="M_{number}">{mathml("1")}'
        "</eventAssignment></listOfEventAssignments></event>"
    )


def _class_formulas(patch: Patch, index: int) -> dict[str, str]:
    def mean_effect(places: np.ndarray, half: str) -> str:
        each = [f"{half}/({half}+released*{full!r})" for full in map(float, places)]
        return f"1-({'+'.join(each)})/{len(each)}"

    local = {
        "drug": mean_effect(patch.bulb[index], "p_half_effect"),
        "target": f"1-p_max_inhibition*({mean_effect(patch.dermal[index], 'p_skin_half_effect')})",
        "harm": "1-1/(1+(attack*(1-privilege)*(1-drug)/p_half_attack)**2)",
        "to": "1/(1+(attack/p_collapse_threshold)**2)",
        "mature": "2/p_maturing_time*(1-harm)",
        "regress": "(1+p_catagen_gain*harm+p_direct_catagen_effect*drug)/p_anagen_time",
    }  # fmt: skip
    return {name: _local(formula, index) for name, formula in local.items()}


def _class_rates(patch: Patch, index: int) -> dict[str, str]:
    telogen, held = "4/p_telogen_time", "(1-p_telogen_hold*harm)"
    arrest, wear = "p_attack_rate*harm", "p_growth/p_shade_length"
    early, recovering = "2/p_early_time", "3/p_recovering_time"
    local = {
        "attack": "attack*(p_activation*(1-privilege)*(1-drug)/(1+tolerance**4)"
                  "-p_loss*(1+p_survival_effect*drug)-p_crowding*attack)+p_residue*(1-privilege)",
        "privilege": "(to-privilege)/piecewise(p_collapse_time,to<privilege,p_rebuild_time)",
        "tolerance": "attack/p_tolerance_time-tolerance/p_forget_time",
        "e1": f"(1-p_kenogen_share)*{telogen}*{held}*t4+{held}/p_kenogen_time*k"
              f"-({early}+{arrest})*e1",
        "e2": f"{early}*e1-({early}+{arrest})*e2",
        "r1": f"p_release_rate*(1-harm)**2*x-({recovering}+{arrest})*r1",
        "r2": f"{recovering}*r1-({recovering}+{arrest})*r2",
        "r3": f"{recovering}*r2-({recovering}+{arrest})*r3",
        "v": f"{recovering}*r3-({arrest}+mature)*v",
        "i": f"mature*v-({arrest}+mature)*i",
        "t": f"mature*i+{early}*e2+(1-harm)/p_dystrophic_time*d-({arrest}+regress)*t",
        "d": f"{arrest}*t-d/p_dystrophic_time",
        "c": "regress*t-c/p_catagen_time",
        "t1": f"c/p_catagen_time-{telogen}*t1",
        "t2": f"{telogen}*(t1-t2)",
        "t3": f"{telogen}*(t2-t3)",
        "t4": f"{telogen}*(t3-{held}*t4)",
        "k": f"p_kenogen_share*{telogen}*{held}*t4-{held}/p_kenogen_time*k",
        "x": f"{arrest}*(e1+e2+r1+r2+r3+v+i)+harm/p_dystrophic_time*d"
             "-p_release_rate*(1-harm)**2*x",
        "lv": f"p_growth*v-({wear}+{arrest}+mature)*lv",
        "li": f"p_growth*i-({wear}+{arrest}+mature)*li+mature*lv",
        "lt": f"p_growth*t-({wear}+{arrest}+regress)*lt+mature*li"
              "+p_shade_length*(1-harm)/p_dystrophic_time*d",
        "synthesis": "(target-synthesis)/piecewise(p_stop_time,target<synthesis,p_restart_time)",
        "fast": "p_fast_rate*(synthesis-fast)",
        "slow": "p_slow_rate*(synthesis-slow)",
    }  # fmt: skip
    rates = {name: _local(formula, index) for name, formula in local.items()}
    for other in np.flatnonzero(patch.flow[index]):
        rates["attack"] += f"+({float(patch.flow[index, other])!r})*attack_{other}"
    return rates


_CLASS_NAMES = frozenset({*FIELDS, "drug", "target", "harm", "to", "mature", "regress"})


def _local(formula: str, index: int) -> str:
    """Give the names of a class its number."""
    import re

    return re.sub(
        r"[A-Za-z_]\w*",
        lambda found: f"{found[0]}_{index}" if found[0] in _CLASS_NAMES else found[0],
        formula,
    )


_OPERATORS: dict[type, str] = {
    ast.Add: "plus", ast.Sub: "minus", ast.Mult: "times", ast.Div: "divide", ast.Pow: "power",
    ast.Gt: "gt", ast.Lt: "lt", ast.GtE: "geq",
}  # fmt: skip
_TIME = '<csymbol encoding="text" definitionURL="http://www.sbml.org/sbml/symbols/time">t</csymbol>'


def mathml(formula: str) -> str:
    """MathML of a formula in Python's notation; ``piecewise(value, condition, otherwise)``."""
    inner = _math(ast.parse(formula, mode="eval").body)
    return f'<math xmlns="http://www.w3.org/1998/Math/MathML">{inner}</math>'


def _math(node: ast.AST) -> str:  # noqa: PLR0911
    match node:
        case ast.Constant(value=value):
            mantissa, _, exponent = repr(float(value)).partition("e")
            if exponent:
                return f'<cn type="e-notation">{mantissa}<sep/>{int(exponent)}</cn>'
            return f"<cn>{mantissa}</cn>"
        case ast.Name(id="time"):
            return _TIME
        case ast.Name(id=name):
            return f"<ci>{name}</ci>"
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return f"<apply><minus/>{_math(operand)}</apply>"
        case ast.BinOp(left=left, op=op, right=right):
            return f"<apply><{_OPERATORS[type(op)]}/>{_math(left)}{_math(right)}</apply>"
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            return f"<apply><{_OPERATORS[type(op)]}/>{_math(left)}{_math(right)}</apply>"
        case ast.Call(func=ast.Name(id="sqrt"), args=[inside]):
            return f"<apply><root/>{_math(inside)}</apply>"
        case ast.Call(func=ast.Name(id="abs"), args=[inside]):
            return f"<apply><abs/>{_math(inside)}</apply>"
        case ast.Call(func=ast.Name(id="piecewise"), args=[value, condition, otherwise]):
            return (f"<piecewise><piece>{_math(value)}{_math(condition)}</piece>"
                    f"<otherwise>{_math(otherwise)}</otherwise></piecewise>")  # fmt: skip
        case _:
            raise ValueError(f"no MathML for {ast.dump(node)}")
