"""The books of the sample company: as its accounting program would export them (Spanish columns, semicolons, decimal commas), and as plain
rows for the stand-ins of other ledgers. Both are made from the same tables.

Days are counted from the day of the demo, so that there is always something due.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path

CUSTOMERS = """
C01;Talleres Gómez e Hijos, S.L.;pagos@talleresgomez.example;912 000 101;es;ES;Taller
C02;Cafetería La Esquina;hola@laesquina.example;912 000 102;es;ES;Hostelería
C03;Constructora Norte, S.A.;info@norte.example;985 000 103;es;ES;Obra
C04;Hotel Mirador del Valle;recepcion@mirador.example;958 000 104;es;ES;Hostelería
C05;Harbour Books Ltd;office@harbourbooks.example;+44 20 0000 0105;en;GB;Export
C06;Smith & Sons Hardware Inc.;ap@smithandsons.example;+1 555 0106;en;US;Export
C07;Boulangerie Petit;contact@petit.example;+33 1 00 00 01 07;fr;FR;Export
C08;Ayuntamiento de Villalba;facturas@villalba.example;918 000 108;es;ES;Público
C09;Panadería Luz;;981 000 109;es;ES;Hostelería
C10;Estudio Nube Arquitectos, S.L.P.;estudio@nube.example;933 000 110;es;ES;Obra
C11;Transportes Rápidos del Sur;admin@rapidos.example;954 000 111;es;ES;Taller
C12;Clínica Dental Sonrisa;gestion@sonrisa.example;963 000 112;es;ES;Salud
C13;Viajes Horizonte;cuentas@horizonte.example;971 000 113;es;ES;Turismo
C14;Nordic Supplies AB;ekonomi@nordic.example;+46 8 00 01 14;en;SE;Export
"""

CONTACTS = """
C03;Lucía Prieto;contabilidad@norte.example;Contabilidad
C05;Emily Carter;accounts@harbourbooks.example;Accounts payable
"""

# number; customer; days from the demo to the due date; total; currency; disputed
INVOICES = """
24-0871;C01;-96;312,40;EUR;No
24-0902;C03;-81;1.850,00;EUR;No
25-0101;C01;-24;1.210,00;EUR;No
25-0102;C01;-10;484,00;EUR;No
25-0103;C01;5;726,00;EUR;No
25-0104;C02;-30;145,20;EUR;No
25-0105;C02;-23;96,80;EUR;No
25-0106;C02;12;181,50;EUR;No
25-0107;C03;-22;12.100,00;EUR;No
25-0108;C03;-15;3.630,00;EUR;No
25-0109;C03;-1;2.420,00;EUR;No
25-0110;C03;20;6.050,00;EUR;No
25-0111;C04;-29;968,00;EUR;No
25-0112;C04;-1;1.331,00;EUR;No
25-0113;C04;7;605,00;EUR;No
25-0114;C05;-24;780,00;EUR;No
25-0115;C05;-9;1.140,00;EUR;No
25-0116;C05;25;390,00;EUR;No
25-0117;C06;-24;4.250,00;USD;No
25-0118;C06;-2;1.980,50;USD;No
25-0119;C06;30;2.200,00;USD;No
25-0120;C07;-3;264,00;EUR;No
25-0121;C07;6;330,00;EUR;No
25-0122;C08;-40;5.445,00;EUR;No
25-0123;C08;-12;1.815,00;EUR;No
25-0124;C09;-9;78,65;EUR;No
25-0125;C09;4;84,70;EUR;No
25-0126;C10;-35;2.904,00;EUR;No
25-0127;C10;0;1.452,00;EUR;No
25-0128;C10;33;1.452,00;EUR;No
25-0129;C11;-18;907,50;EUR;Sí
25-0130;C11;-8;423,50;EUR;No
25-0131;C12;-17;1.573,00;EUR;No
25-0132;C12;15;786,50;EUR;No
25-0133;C13;-6;242,00;EUR;No
25-0134;C13;28;544,50;EUR;No
25-0135;C14;-33;3.100,00;EUR;No
25-0136;C14;-1;1.550,00;EUR;No
25-0137;C14;3;775,00;EUR;No
25-0138;C06;-33;640,00;USD;No
25-0139;C04;-16;0,60;EUR;No
"""

# number; customer; days from the demo; amount; currency; invoice (empty: paid on account)
PAYMENTS = """
CB-01;C08;-30;1.000,00;EUR;25-0122
CB-02;C10;-26;2.904,00;EUR;25-0126
CB-03;C02;-20;145,20;EUR;25-0104
CB-04;C03;-18;5.000,00;EUR;25-0107
CB-05;C14;-16;3.100,00;EUR;25-0135
CB-06;C06;-11;640,00;USD;25-0138
CB-07;C04;-9;968,00;EUR;25-0111
CB-08;C05;-5;780,00;EUR;25-0114
CB-09;C13;-2;300,00;EUR;
CB-10;C02;-1;96,80;EUR;25-0105
"""

# number; customer; days from the demo; total; currency; invoice (empty: not allocated)
CREDIT_NOTES = """
AB-01;C03;-14;630,00;EUR;25-0108
AB-02;C04;-4;121,00;EUR;
"""

TERMS_DAYS = 30
_OF_CUSTOMERS = "id name email phone language country group"

COMPANY = {"name": "Suministros Soler, S.L.", "country": "ES", "currency": "EUR", "time_zone": "Europe/Madrid"}

Rows = Mapping[str, Sequence[Mapping[str, str]]]
"""Plain rows by kind: text only, days as 2026-05-31, amounts as 1850.00. The stand-ins take nothing else from here."""


def sample_rows(as_of: date) -> Rows:
    """The same documents as in the exports, with the days counted from `as_of`.

    `company`: name, country, currency, time_zone. `customers`: id, name, email, phone, language, country, group, currency (of all that they
    are billed). `contacts`: customer, name, email (each gets the invoices). `invoices`: number, customer, issued_on, due_date, total,
    currency, disputed (`yes` or empty). `payments`: number, customer, paid_on, amount, currency, invoice. `credit_notes`: number, customer,
    issued_on, total, currency, invoice.
    An empty `invoice` means that nothing was allocated. Rows refer to customers by id and to invoices by number.
    """
    invoices = [_with_days(row, as_of) for row in _named(INVOICES, "number customer due_date total currency disputed")]
    currencies = {row["customer"]: row["currency"] for row in invoices}
    return {
        "company": (COMPANY,),
        "customers": [{**row, "currency": currencies[row["id"]]} for row in _named(CUSTOMERS, _OF_CUSTOMERS)],
        "contacts": _named(CONTACTS, "customer name email"),
        "invoices": invoices,
        "payments": [_with_days(row, as_of) for row in _named(PAYMENTS, "number customer paid_on amount currency invoice")],
        "credit_notes": [_with_days(row, as_of) for row in _named(CREDIT_NOTES, "number customer issued_on total currency invoice")],
    }


def customers_by_group() -> Mapping[str, Sequence[str]]:
    """The names of the customers in each group."""
    rows = _named(CUSTOMERS, _OF_CUSTOMERS)
    return {group: [row["name"] for row in rows if row["group"] == group] for group in sorted({row["group"] for row in rows})}


def write_books(folder: Path, as_of: date) -> None:
    """Write the exports into the folder, with the days counted from `as_of`."""
    folder.mkdir(parents=True, exist_ok=True)
    customers = list(_cells(CUSTOMERS))
    _write(folder / "clientes.csv", "Código;Razón social;Correo;Teléfono;Idioma;País;Grupo", customers)
    _write(folder / "contactos.csv", "Cliente;Nombre;Correo;Departamento", list(_cells(CONTACTS)))
    names = {row[0]: row[1] for row in customers}
    _write(
        folder / "facturas.csv",
        "Nº factura;Cliente;Razón social;Fecha factura;Vencimiento;Importe total;Divisa;En disputa",
        [_invoice(cells, as_of, names) for cells in _cells(INVOICES)],
    )
    _write(folder / "cobros.csv", "Nº cobro;Cliente;Fecha cobro;Importe;Divisa;Factura", _dated(PAYMENTS, as_of))
    _write(folder / "abonos.csv", "Nº abono;Cliente;Fecha;Importe;Divisa;Factura", _dated(CREDIT_NOTES, as_of))


def _cells(table: str) -> Iterator[list[str]]:
    return (line.split(";") for line in table.split("\n") if line)


def _named(table: str, columns: str) -> list[dict[str, str]]:
    """The rows of a table by the names of its columns; what has no name is left out."""
    return [dict(zip(columns.split(), cells, strict=False)) for cells in _cells(table)]


def _with_days(row: dict[str, str], as_of: date) -> dict[str, str]:
    """The row with days in place of their distance, amounts with a decimal point, and a plain mark of dispute."""
    made = dict(row)
    for column in {"due_date", "paid_on", "issued_on"} & row.keys():
        made[column] = (as_of + timedelta(days=int(row[column]))).isoformat()
    for column in {"total", "amount"} & row.keys():
        made[column] = row[column].replace(".", "").replace(",", ".")
    if "due_date" in made:
        made["issued_on"] = (date.fromisoformat(made["due_date"]) - timedelta(days=TERMS_DAYS)).isoformat()
        made["disputed"] = "yes" if row["disputed"] == "Sí" else ""
    return made


def _invoice(cells: list[str], as_of: date, names: dict[str, str]) -> list[str]:
    number, customer, due, total, currency, disputed = cells
    due_date = as_of + timedelta(days=int(due))
    return [number, customer, names[customer], _day(due_date - timedelta(days=TERMS_DAYS)), _day(due_date), total, currency, disputed]


def _dated(table: str, as_of: date) -> list[list[str]]:
    return [[*cells[:2], _day(as_of + timedelta(days=int(cells[2]))), *cells[3:]] for cells in _cells(table)]


def _day(day: date) -> str:
    return f"{day:%d/%m/%Y}"


def _write(path: Path, header: str, rows: list[list[str]]) -> None:
    lines = [header, *(";".join(f'"{cell}"' if '"' in cell or "&" in cell else cell for cell in row) for row in rows)]
    path.write_text("\r\n".join(lines) + "\r\n", encoding="utf-8-sig")
