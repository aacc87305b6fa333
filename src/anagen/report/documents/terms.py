"""Names of drugs, products, protocols, rules and findings in the language of a document."""

from typing import TYPE_CHECKING

from anagen.report.documents.wording import Wording, clean

if TYPE_CHECKING:
    from anagen.treatment import Finding


def drug_words(wording: Wording, product: str) -> str:
    """Name of the steroid in a product, or of the product when it holds none."""
    from anagen.report.content import drug_name

    name = drug_name(product)
    otherwise = wording.known(f"products.{product}", clean(name))
    return wording.known(f"drugs.{name.replace(' ', '_')}", otherwise)


def product_words(wording: Wording, product: str) -> str:
    """Name of a product with its strength."""
    from anagen.evidence.products import load_product

    return wording.known(f"products.{product}", load_product(product).name)


def protocol_words(wording: Wording, protocol: str) -> str:
    """Name of a protocol; the key itself for one that nobody knows."""
    from anagen.errors import AnagenError
    from anagen.treatment import load_protocol

    try:
        name = load_protocol(protocol).name
    except AnagenError:
        name = protocol
    return wording.known(f"protocols.{protocol}", clean(name))


def rule_title(wording: Wording, rule: str, title: str = "") -> str:
    """Title of a rule."""
    return wording.known(f"rules.{rule}", title or rule)


def finding_words(wording: Wording, finding: "Finding") -> str:
    """Say what a rule says about a plan: its own sentence, or its title and numbers."""
    if wording.table["format.engine_sentences"] == "yes":
        text = clean(finding.message)
    else:
        text = f"{rule_title(wording, finding.rule, finding.title)}"
        if finding.measured is not None:
            text += f": {wording.amount(finding.measured, finding.unit)}"
            if finding.limit is not None:
                text += (
                    f" ({wording.say('terms.limit')} {wording.amount(finding.limit, finding.unit)})"
                )
        elif finding.found:
            text += f": {clean(finding.found)}"
        text += "."
    if finding.overridden_by:
        text += " " + wording.say("terms.overridden", reason=clean(finding.overridden_by))
    return text
