"""The company whose books these are: its settings, items and tax codes, and how its objects look from outside."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from . import taxes
from .posting import Posting, numbered, sale_line
from .store import ZERO, Row, Store, as_json

LATE_FEE = "Late fee"
LATE_FEE_ACCOUNT = {"value": "91", "name": "Late fee income"}
SERVICE_ACCOUNT = {"value": "45", "name": "Sales of services"}
UNDEPOSITED = "Undeposited Funds"
ACCOUNTS = {UNDEPOSITED: "Other Current Asset", "Checking": "Bank", "Accounts Receivable (A/R)": "Accounts Receivable"}


class Company:
    """Settings and master data. `country` is a code such as US; outside the US tax codes are ids, in it TAX and NON."""

    def __init__(
        self,
        *,
        now: Callable[[], datetime],
        realm_id: str = "9341452698765432",
        name: str = "Puntual Trading Ltd",
        country: str = "US",
        home_currency: str = "USD",
        multicurrency: bool = False,
        time_zone: str = "America/Los_Angeles",
    ) -> None:
        self.store = Store(now)
        self.posting = Posting(self.store)
        self.realm_id = realm_id
        self.country = country
        self.home_currency = home_currency
        self.multicurrency = multicurrency
        self.zone = ZoneInfo(time_zone)
        self.closed_until: date | None = None
        self.closed_code = "6210"
        """The code that says that the books are closed; 5010 has been seen, too."""
        self.online_payments = True
        self.auto_apply_credit = False
        self.custom_numbers = False
        self.subscription_ended = False
        self.automated_sales_tax = True
        """In the US: whether the service knows the tax of a place by itself. Else a document has to name its tax code, or bears no tax."""
        self.stated_tax_counts = True
        """Whether a tax that the client gives is kept. Its schema says so; nobody recorded it for credit memos."""
        self.changes_say_voided = False
        """Whether change data capture marks what was voided; its schema has the word, no recorded answer shows it."""
        self.notes_touch_documents = False
        """Whether a note moves the time of what it is attached to. Nothing says which."""
        self.extra_fields: Mapping[str, Any] = {}
        """Put on every object that is shown."""
        self.exchange_rates: dict[str, Decimal] = {}
        """Units of the home currency for one of another; 0.5 for those that are not named."""
        self.next_number = 1001
        self.jobs: defaultdict[str, list[str]] = defaultdict(list)
        """The jobs of each customer."""
        self._found(name, time_zone)

    def _found(self, name: str, time_zone: str) -> None:
        info = {"CompanyName": name, "LegalName": name, "Country": self.country, "SupportedLanguages": "en", "DefaultTimeZone": time_zone}
        self.store.add("CompanyInfo", info)
        self.store.add("Preferences", {})
        self._rates: dict[str, dict[str, Decimal]] = {}
        self.standard, self.untaxed = self.add_tax_code("Standard", Decimal(20)), self.add_tax_code("Exempt", ZERO)
        if self.country == "US":
            self._rates = {"TAX": {}, "NON": {}}
            self.standard, self.untaxed = "TAX", "NON"
        self.services = self.add_item("Services")
        for account, kind in ACCOUNTS.items():
            self.add_account(account, kind)

    # --- what documents refer to ------------------------------------------------------------------------------------------------

    @property
    def tax_rates(self) -> Mapping[str, Decimal]:
        """The tax on a line with each tax code, in per cent."""
        return {code: sum(rates.values(), ZERO) for code, rates in self._rates.items()}

    def add_tax_code(self, name: str, *percents: Decimal) -> str:
        """A tax code with these rates, in per cent. Returns its id."""
        rates = {
            str(self.store.add("TaxRate", {"Name": name, "RateValue": percent, "Active": True})["Id"]): percent for percent in percents
        }
        details = [{"TaxRateRef": {"value": key}, "TaxTypeApplicable": "TaxOnAmount", "TaxOrder": 0} for key in rates]
        values = {"Name": name, "Description": name, "Active": True, "Taxable": any(percents), "TaxGroup": True}
        key = str(self.store.add("TaxCode", {**values, "SalesTaxRateList": {"TaxRateDetail": details}})["Id"])
        self._rates[key] = rates
        return key

    def tax_sales(self, *percents: Decimal) -> None:
        """In the US: what is taxed bears these rates from now on, in per cent."""
        self._rates["TAX"] = self._rates.pop(self.add_tax_code("Tucson", *percents))

    def add_account(self, name: str, kind: str, *, parent: str = "") -> str:
        """An account of a type such as Bank, with `parent` below the account of that name. Returns its id."""
        values = {"Name": name, "FullyQualifiedName": f"{parent}:{name}" if parent else name, "SubAccount": bool(parent), "Active": True}
        return str(self.store.add("Account", {**values, "AccountType": kind, "CurrencyRef": {"value": self.home_currency}})["Id"])

    def add_term(self, name: str, **values: Any) -> str:
        """Payment terms with `DueDays` or with `DayOfMonthDue`; with `DiscountPercent` they grant something. Returns the id."""
        kind = "STANDARD" if "DueDays" in values else "DATE_DRIVEN"
        return str(self.store.add("Term", {"Name": name, "Active": True, "Type": kind, **values})["Id"])

    def add_item(self, name: str, *, account: Mapping[str, str] = SERVICE_ACCOUNT) -> str:
        """A service that can be sold. Returns its id."""
        values = {"Name": name, "FullyQualifiedName": name, "Type": "Service", "Active": True, "UnitPrice": ZERO, "Taxable": False}
        return str(self.store.add("Item", {**values, "IncomeAccountRef": dict(account)})["Id"])

    def item_ref(self, key: str) -> Row:
        """The reference to an item as it stands in a line."""
        return {"value": key, "name": self.store.get("Item", key)["Name"]}

    def customer_ref(self, key: str) -> Row:
        """The reference to a customer as it stands in a document: a job's name comes with those above it (`Freeman Sporting Goods:55 Twin
        Lane` in Intuit's sample of a voided payment)."""
        return {"value": key, "name": self.store.get("Customer", key)["FullyQualifiedName"]}

    def currency_of(self, customer: Row) -> str:
        """The one currency of a customer."""
        return str(customer["CurrencyRef"]["value"])

    def currency_values(self, currency: str) -> Row:
        """What a document in this currency bears."""
        values: Row = {"CurrencyRef": {"value": currency, "name": currency}}
        if self.multicurrency:
            usual = Decimal(1) if currency == self.home_currency else Decimal("0.5")
            values["ExchangeRate"] = self.exchange_rates.get(currency, usual)
        return values

    def today(self) -> date:
        """The day in the company's own zone."""
        return self.store.now().astimezone(self.zone).date()

    def take_number(self) -> str:
        """The next number of an invoice."""
        number = str(self.next_number)
        self.next_number += 1
        return number

    def is_closed(self, day: date) -> bool:
        """Whether the books are closed on this day."""
        return self.closed_until is not None and day <= self.closed_until

    def write_lines(self, row: Row, lines: list[Row], given: Mapping[str, Any] | None = None) -> None:
        """Give an invoice or credit memo its lines, with the tax that follows from them unless another is `given`."""
        several, detail = numbered(lines), given or {}
        found = taxes.computed(several, self._rates if self._knows_tax(detail) else {})
        kept = taxes.insisted(detail, found) if self.stated_tax_counts else found
        code = detail.get("TxnTaxCodeRef")
        tax = {"TotalTax": taxes.total_of(kept), "TaxLine": kept, **({"TxnTaxCodeRef": code} if code else {})}
        self.posting.new_sale(row, several, tax)

    def _knows_tax(self, given: Mapping[str, Any]) -> bool:
        return self.country != "US" or self.automated_sales_tax or bool(given.get("TxnTaxCodeRef"))

    def line(self, amount: Decimal, description: str = "", item: str = "") -> Row:
        """An untaxed line for an item, for the company's services when none is named."""
        return sale_line(amount, self.item_ref(item or self.services), description, self.untaxed)

    # --- what is shown --------------------------------------------------------------------------------------------------------

    def shown(self, entity: str, row: Row, *, with_link: bool = False) -> Row:
        """An object as it goes over the wire."""
        whole = {**row, "domain": "QBO", "sparse": False, **self.extra_fields}
        if entity in ("Invoice", "CreditMemo", "Estimate"):
            rest = {
                "DetailType": "SubTotalLineDetail",
                "Amount": row["TotalAmt"] - row["TxnTaxDetail"]["TotalTax"],
                "SubTotalLineDetail": {},
            }
            whole["Line"] = [*row["Line"], rest]
        if entity == "Customer":
            whole["BalanceWithJobs"] = self._balance_with_jobs(row)
        if entity == "Preferences":
            whole |= self._preferences()
        if with_link and entity == "Invoice":
            whole["InvoiceLink"] = self.invoice_link(row)
        answer: Row = as_json(whole)
        return answer

    def invoice_link(self, row: Row) -> str:
        """The page where an invoice can be paid: only with online payment, and with an address to send it to."""
        online = self.online_payments and (row.get("AllowOnlineCreditCardPayment") or row.get("AllowOnlineACHPayment"))
        if not online or not row.get("BillEmail", {}).get("Address") or is_void(row):
            return ""
        secret = hashlib.sha256(f"{self.realm_id}/{row['Id']}".encode()).hexdigest()
        return f"https://developer.intuit.com/comingSoonview/scs-v1-{secret}?locale=en_US&cta=v3invoicelink"

    def _balance_with_jobs(self, row: Row) -> Decimal:
        jobs = [self.store.get("Customer", key) for key in self.jobs[row["Id"]]]
        return sum((self._balance_with_jobs(job) for job in jobs), start=Decimal(row["Balance"]))

    def _preferences(self) -> Row:
        sales = {
            "ETransactionPaymentEnabled": self.online_payments, "AutoApplyCredit": self.auto_apply_credit,
            "CustomTxnNumbers": self.custom_numbers, "DefaultTerms": {"value": "3"}, "AllowDeposit": True,
        }  # fmt: skip
        return {
            "CurrencyPrefs": {"HomeCurrency": {"value": self.home_currency}, "MultiCurrencyEnabled": self.multicurrency},
            "SalesFormsPrefs": sales,
            "AccountingInfoPrefs": {"FirstMonthOfFiscalYear": "January", "CustomerTerminology": "Customers"},
            "TaxPrefs": {"UsingSalesTax": True, "PartnerTaxEnabled": self.country == "US" and self.automated_sales_tax},
            "OtherPrefs": {"NameValue": [{"Name": "SalesFormsPrefs.DefaultItem", "Value": self.services}]},
        }


def is_void(row: Row) -> bool:
    """Whether a document was voided."""
    return str(row.get("PrivateNote") or "").startswith("Voided")


def make_void(row: Row) -> None:
    """Take all amounts out of a document, and say so in front of its private note."""
    row["Line"] = [_emptied(line) for line in row["Line"]]
    row["PrivateNote"] = f"Voided - {row['PrivateNote']}" if row.get("PrivateNote") else "Voided"
    row["TxnTaxDetail"] = {"TotalTax": ZERO}
    row["TotalAmt"] = ZERO


def _emptied(line: Row) -> Row:
    if line["DetailType"] != "SalesItemLineDetail":
        return line
    return {**line, "Amount": ZERO, "SalesItemLineDetail": {**line["SalesItemLineDetail"], "Qty": ZERO}}
