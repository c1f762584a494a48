"""What the database server does for all rooms: statements, locks, transactions, the one savepoint."""
