"""What all tables of the archive are made of."""

from sqlalchemy import BigInteger, Integer, MetaData

Number = BigInteger().with_variant(Integer(), "sqlite")

metadata = MetaData()
