"""The `tradefair` command: arguments in, tables or one JSON document out, an exit code that scripts can rely on.

Modules here import the other rooms only inside functions, so that `tradefair --help` answers at once. Exit codes: 0
done; 1 the work ran and something failed or a target was missed (`--strict`); 2 bad input; 130 interrupted.

    from apps.command.main import main

    exit_code = main(["runs", "list", "--json"])
"""
