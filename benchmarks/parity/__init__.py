"""Do both frameworks compute the same? The engine behind the command, the gate and the tests."""
