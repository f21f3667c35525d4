"""Toy Books for Puntual."""

LEDGER = {
    "id": "toy",
    "name": "Toy Books",
    "connector": "puntual_toy.connector:ToyConnector",
    "settings": "puntual_toy.settings:ToySettings",
    "authorizer": "puntual_toy.authorizer:ToyAuthorizer",
}
