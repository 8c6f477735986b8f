"""The commands of this package, listed."""

from common.command_list import command_list

if __name__ == "__main__":
    print(command_list("backends"))
