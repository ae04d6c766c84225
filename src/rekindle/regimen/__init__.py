"""What is given and when: the regimen language, doses, sessions, products and devices.

>>> regimen = parse_regimen("esketamine 84 mg nasal, twice weekly x 4 weeks")
>>> len(regimen.sessions), regimen.product.name
(8, 'nasal_28mg_device')
"""

from rekindle.regimen._dose import Dose, Session
from rekindle.regimen._language import parse_regimen
from rekindle.regimen._product import DRUGS, Product, find_product, products
from rekindle.regimen._regimen import Regimen

__all__ = [
    "DRUGS",
    "Dose",
    "Product",
    "Regimen",
    "Session",
    "find_product",
    "parse_regimen",
    "products",
]
