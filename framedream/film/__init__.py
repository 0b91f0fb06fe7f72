"""One film in the making: survey, plan, parts, assembly."""
