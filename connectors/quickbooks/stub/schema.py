"""What each entity has, what a query may ask of it, and how long its texts may be: as far as it is needed here."""

from collections.abc import Mapping

Queryable = Mapping[str, str]

_TIMES = {"MetaData.CreateTime": "instant", "MetaData.LastUpdatedTime": "instant"}
_SALE = {"Id": "id", "DocNumber": "text", "TxnDate": "date", "TotalAmt": "amount", "CustomerRef": "reference", **_TIMES}

QUERYABLE: Mapping[str, Queryable] = {
    "Invoice": {**_SALE, "DueDate": "date", "Balance": "amount"},
    "CreditMemo": {**_SALE, "Balance": "amount"},
    "Estimate": {**_SALE, "TxnStatus": "text"},
    "Payment": {
        "Id": "id", "TxnDate": "date", "TotalAmt": "amount", "CustomerRef": "reference", "PaymentRefNum": "text", **_TIMES,
    },
    "Customer": {
        "Id": "id", "DisplayName": "text", "FullyQualifiedName": "text", "CompanyName": "text", "GivenName": "text", "FamilyName": "text",
        "Active": "claim", "Balance": "amount", "PrimaryEmailAddr": "text", **_TIMES,
    },
    "Item": {"Id": "id", "Name": "text", "FullyQualifiedName": "text", "Type": "text", "Active": "claim", **_TIMES},
    "TaxCode": {"Id": "id", "Name": "text", "Active": "claim", **_TIMES},
    "Term": {"Id": "id", "Name": "text", "Active": "claim", **_TIMES},
    "Account": {"Id": "id", "Name": "text", "FullyQualifiedName": "text", "AccountType": "text", "Active": "claim", **_TIMES},
    "Attachable": {
        "Id": "id", "Note": "text", "FileName": "text", "AttachableRef.EntityRef.Type": "type", "AttachableRef.EntityRef.value": "id",
        **_TIMES,
    },
    "CompanyInfo": {"Id": "id", **_TIMES},
    "Preferences": {"Id": "id", **_TIMES},
}  # fmt: skip
"""Which property a query may filter and sort by, and how its values compare."""

NOT_QUERYABLE: Mapping[str, frozenset[str]] = {
    "Invoice": frozenset({
        "SyncToken", "PrivateNote", "CustomerMemo", "EmailStatus", "BillEmail", "CurrencyRef", "ExchangeRate", "HomeBalance",
        "HomeTotalAmt", "LinkedTxn", "Line", "TxnTaxDetail", "PrintStatus", "InvoiceLink", "DeliveryInfo", "SalesTermRef",
    }),
    "CreditMemo": frozenset({"SyncToken", "PrivateNote", "RemainingCredit", "CurrencyRef", "Line", "BillEmail"}),
    "Payment": frozenset({"SyncToken", "PrivateNote", "UnappliedAmt", "CurrencyRef", "Line", "PaymentMethodRef", "DepositToAccountRef"}),
    "Customer": frozenset({
        "SyncToken", "ParentRef", "Job", "Level", "BillWithParent", "BalanceWithJobs", "CurrencyRef", "Notes", "BillAddr",
    }),
    "Attachable": frozenset({"SyncToken", "AttachableRef"}),
}  # fmt: skip
"""Properties that are there and that no query may use: `UnappliedAmt` among them (quickbooks-ruby issue 258)."""

NAME_LISTS = frozenset({"Customer", "Item", "TaxCode", "Term", "Account"})
"""Entities that are made inactive and then hidden from queries."""

TRANSACTIONS = frozenset({"Invoice", "Payment", "CreditMemo", "Estimate"})
"""Entities that share one sequence of ids."""

NOT_CAPTURED = frozenset({"JournalCode", "TimeActivity", "TaxAgency", "TaxCode", "TaxRate"})
"""Entities of which change data capture knows nothing."""

INVOICE_WRITABLE = frozenset({
    "CustomerRef", "Line", "TxnDate", "DueDate", "DocNumber", "CurrencyRef", "ExchangeRate", "BillEmail", "BillEmailCc", "BillEmailBcc",
    "EmailStatus", "PrintStatus", "CustomerMemo", "PrivateNote", "SalesTermRef", "DeliveryInfo", "CustomField", "TxnTaxDetail",
    "GlobalTaxCalculation", "AllowOnlineCreditCardPayment", "AllowOnlineACHPayment", "AllowOnlinePayment", "AllowIPNPayment", "BillAddr",
    "ShipAddr", "ShipDate", "TrackingNum", "Deposit", "DepartmentRef", "ApplyTaxAfterDiscount", "ClassRef", "ProjectRef",
})  # fmt: skip
CREDIT_MEMO_WRITABLE = frozenset({
    "CustomerRef", "Line", "TxnDate", "CurrencyRef", "BillEmail", "CustomerMemo", "PrivateNote", "GlobalTaxCalculation", "TxnTaxDetail",
    "ShipAddr",
})  # fmt: skip
PAYMENT_WRITABLE = frozenset({
    "CustomerRef", "TotalAmt", "Line", "TxnDate", "CurrencyRef", "PrivateNote", "PaymentRefNum", "DepositToAccountRef",
})  # fmt: skip
READ_ONLY = frozenset({
    "Id", "SyncToken", "sparse", "domain", "MetaData", "Balance", "TotalAmt", "HomeTotalAmt", "HomeBalance", "LinkedTxn", "InvoiceLink",
    "status", "RecurDataRef", "FreeFormAddress",
})  # fmt: skip
"""What comes back with an object and is not listened to when it is sent."""

LINE_PROPERTIES = frozenset({
    "Id", "LineNum", "Description", "Amount", "DetailType", "SalesItemLineDetail", "DescriptionLineDetail", "DiscountLineDetail",
    "GroupLineDetail", "SubTotalLineDetail", "LinkedTxn", "CustomField",
})  # fmt: skip
DETAIL_TYPES = frozenset({"SalesItemLineDetail", "DescriptionOnly", "DiscountLineDetail", "GroupLineDetail", "SubTotalLineDetail"})
SALES_DETAIL = frozenset({"ItemRef", "Qty", "UnitPrice", "TaxCodeRef", "ServiceDate", "ClassRef", "ItemAccountRef", "TaxInclusiveAmt"})
ATTACHABLE_WRITABLE = frozenset({"Note", "FileName", "Category", "ContentType", "AttachableRef", "Tag", "PlaceName", "Lat", "Long"})

LONGEST: Mapping[str, int] = {
    "PrivateNote": 4000,
    "DocNumber": 21,
    "PaymentRefNum": 21,
    "Description": 4000,
    "CustomerMemo": 1000,
    "BillEmail": 100,
    "Note": 2000,
}

MOST_RESULTS = 1000
USUAL_RESULTS = 100
MOST_CHANGES = 1000
MOST_BATCH_ITEMS = 30
LONGEST_REQUEST_ID = 50
CHANGES_KEPT_DAYS = 30
FIRST_ATTACHABLE = 10_000_000_000_000_000_000
