"""What a policy may say about a folder of CSV books. An export from another system is read as it is, by mapping alone."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from .words import FIELDS


def _as_word(value: Any) -> Any:
    """YAML takes yes, 30 and 2025-12-31 for something else than words."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) if isinstance(value, int | date) else value


def _as_decimal(value: Any) -> Any:
    """YAML takes 21 for a whole number."""
    return Decimal(value) if isinstance(value, int) and not isinstance(value, bool) else value


Word = Annotated[str, BeforeValidator(_as_word)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class FileSettings(_Model):
    """How one kind of file is found and read. Whatever is left out is recognised from the file itself, or asked for: never guessed."""

    path: str = Field("", description="Name or pattern inside the folder: invoices.csv, export-*.csv; empty: the usual names")
    take: Literal["one", "newest", "all"] = Field(
        "one", description="When several files fit the pattern: one (that is an error), newest (by modification time) or all of them"
    )
    columns: dict[str, str] = Field(
        default_factory=dict, description="Our field: the file's column, as in `due_date: Due`; an empty text switches a field off"
    )
    constants: dict[str, Word] = Field(default_factory=dict, description="Our field: one text for every row that leaves it blank")
    values: dict[str, dict[Word, Word]] = Field(
        default_factory=dict,
        description="Our field: the file's words and what they mean: {status: {Cobrada: paid}, disputed: {Oui: 'yes'}}",
    )
    delimiter: str = Field("auto", pattern=r"^(auto|[^\w\s\"']|\t)$", description="auto, or one of , ; | and the tabulator")
    encoding: str = Field("auto", description="auto, or a name such as utf-8, cp1252, utf-16")
    decimal: Literal["auto", ".", ","] = Field("auto", description="The decimal sign of amounts; the other one then groups thousands")
    date_format: str = Field(
        "auto", pattern=r"^(auto|DMY|MDY|YMD|.*%.*)$", description="auto, DMY, MDY, YMD, or a pattern such as %d.%m.%Y"
    )

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, value: str) -> str:
        if value != "auto":
            try:
                "".encode(value)
            except LookupError as error:
                raise ValueError(f"no encoding is called {value!r}; usual ones are utf-8, cp1252, latin-1 and utf-16") from error
        return value


class InvoicesSettings(FileSettings):
    """The invoices, and what one row of them is."""

    rows: Literal["invoice", "instalment", "line"] = Field(
        "invoice", description="What a row is: a whole invoice, one instalment of it, or one line of it whose totals add up"
    )
    short_settlement: Literal["paid", "open"] = Field(
        "paid", description="An invoice with a settled-on date whose settled amount is below its total: paid, or open for the rest"
    )


class FilesOfBooks(_Model):
    """The files; all but the invoices may be missing."""

    customers: FileSettings = Field(default_factory=FileSettings)
    contacts: FileSettings = Field(default_factory=FileSettings)
    invoices: InvoicesSettings = Field(default_factory=InvoicesSettings)
    payments: FileSettings = Field(default_factory=FileSettings)
    credit_notes: FileSettings = Field(default_factory=FileSettings)
    allocations: FileSettings = Field(default_factory=FileSettings)

    @field_validator("*")
    @classmethod
    def _known_fields(cls, value: FileSettings, info: Any) -> FileSettings:
        known = FIELDS[info.field_name]
        unknown = [name for given in (value.columns, value.constants, value.values) for name in given if name not in known]
        if unknown:
            raise ValueError(f"no field of {info.field_name} is called {', '.join(map(repr, unknown))}; there are: {', '.join(known)}")
        return value


class FilesSettings(_Model):
    """A folder of CSV books."""

    folder: str = Field(min_length=1, description="The folder with the books, from the policy file's own folder")
    name: str = Field("", description="Whose books these are, when not the company of the policy")
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = Field(
        None, description="The currency of amounts whose row names none: EUR"
    )
    terms_days: Annotated[int, Field(ge=0, le=365)] | None = Field(
        None, description="Days from the issue date to the due date, where a row has no due date"
    )
    notes_file: str = Field(
        "", description="Where notes are kept; default puntual-notes.csv in the books' folder. The exports are never written to"
    )
    tasks_file: str = Field("", description="Where tasks are kept; default puntual-tasks.csv in the books' folder")
    charges_file: str = Field("", description="Where late charges are kept; default puntual-charges.csv in the books' folder")
    credits_file: str = Field("", description="Where credits are kept; default puntual-credits.csv in the books' folder")
    payments_file: str = Field("", description="Where recorded payments are kept; default puntual-payments.csv in the books' folder")
    charge_tax_percent: Annotated[Decimal, BeforeValidator(_as_decimal), Field(gt=0, le=100)] | None = Field(
        None, description="The tax on late charges that bear one: 21 for 21 %"
    )
    record_payments: bool = Field(
        False, description="Payments that came in by a provider's pay link are kept in payments_file and count as paid on their invoice"
    )
    files: FilesOfBooks = Field(default_factory=FilesOfBooks, description="How each file is found and read")
