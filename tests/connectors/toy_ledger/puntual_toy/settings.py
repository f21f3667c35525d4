"""What a policy says about a ledger of the type `toy`."""

from typing import Annotated

from puntual.connectors.http import secure_base_url
from pydantic import BaseModel, ConfigDict, Field, field_validator


class ToySettings(BaseModel):
    """The settings of the toy ledger; strict and frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, arbitrary_types_allowed=True, hide_input_in_errors=True)

    url: str = Field(description="Address of the books: https://toybooks.example")
    client_id: str = Field(description="Id of the app that is registered with Toy Books")
    redirect_uri: str = Field("http://localhost:8765/callback", description="Where the browser comes back to, as registered")
    page_size: Annotated[int, Field(ge=1, le=1000)] = Field(500, description="Documents read with one call")
    charge_tax: str = Field("", description="Toy Books' name of the tax on late charges that bear one")
    payment_account: str = Field("", description="The account into which payments by a pay link go; without it they are not recorded")

    @field_validator("url")
    @classmethod
    def _bare_address(cls, value: str) -> str:
        return secure_base_url(value)
