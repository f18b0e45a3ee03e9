"""What a shell completes beyond options: names that this floor knows, for shell_complete= of click."""


def agents(context, _parameter, incomplete):
    """Its agents; none where there is no floor yet."""
    from outcry.desk.common import names

    return names.agents(context.params.get("settings_file"), context.params.get("state"), incomplete)


def strategies(_context, _parameter, incomplete):
    """Strategies of the catalogue."""
    from outcry.desk.common import names

    return names.strategies(incomplete)


def strategies_and_agents(context, parameter, incomplete):
    """Where both will do."""
    found = [*strategies(context, parameter, incomplete), *agents(context, parameter, incomplete)]
    return list(dict.fromkeys(found))
