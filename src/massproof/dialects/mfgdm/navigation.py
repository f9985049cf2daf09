"""Hubs, projects, folders and items, as both versions of the API say them.

A class is a type of the schema, and what it has of a name is the field of that name; what is None is not known.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from massproof import formats
from massproof.dialects.mfgdm import ids
from massproof.dialects.mfgdm.desk import Context, Info, key_of, moment, of
from massproof.dialects.mfgdm.queries import missing
from massproof.dialects.mfgdm.subject import Subject
from massproof.dialects.mfgdm.tree import File, Place

Filter = Mapping[str, Any] | None
Paged = dict[str, Any]


def _places(info: Info, inside: Place, filter: Filter, pagination: Filter, make: Any) -> Paged:
    """A page of the places in a place, those of one name where the filter says so."""
    context, name = of(info), (filter or {}).get("name")
    found = [one for one in context.look(inside).places if name is None or one.name == name]
    return context.page(sorted((key_of(one), one) for one in found), pagination, make)


def _items(info: Info, inside: Place, filter: Filter, pagination: Filter, item: Any) -> Paged:
    """A page of the files in a place, those that the filter lets through."""
    context, asked = of(info), filter or {}
    name = asked.get("name")
    found = [one for one in context.look(inside).files if name is None or one.name == name]
    if asked.get("itemType") == "MFG_DRAWING_ITEM":
        found = []
    return context.page(sorted((key_of(one), one) for one in found), pagination, item)


class Hub:
    """A folder that the server was started with."""

    fusionWebUrl = None
    hubDataVersion = "2.0.0"  # clients of v3 ask for 2 at least
    settings: Mapping[str, Any] = {"arePhysicalPropertiesEnabledInBOM": True}

    def __init__(self, place: Place) -> None:
        self.place, self.id, self.name = place, place.id, place.name
        self.alternativeIdentifiers = {"dataManagementAPIHubId": ids.hub_elsewhere(place.key)}

    def projects(self, info: Info, filter: Filter = None, pagination: Filter = None) -> Paged:
        """The folders directly in it."""
        return _places(info, self.place, filter, pagination, of(info).desk.types.Project)


class _Inside:
    """What a project or folder has."""

    fusionWebUrl = None

    def __init__(self, place: Place) -> None:
        self.place, self.id, self.name = place, place.id, place.name

    def hub(self, info: Info) -> Hub:
        """Where it is."""
        return Hub(self.place.line[0])

    def folders(self, info: Info, filter: Filter = None, pagination: Filter = None) -> Paged:
        """The folders directly in it."""
        return _places(info, self.place, filter, pagination, Folder)

    def items(self, info: Info, filter: Filter = None, pagination: Filter = None) -> Paged:
        """The files directly in it."""
        return _items(info, self.place, filter, pagination, of(info).desk.types.DesignItem)


class Project(_Inside):
    """A folder directly in that of a hub."""

    thumbnailUrl = None
    projectStatus, projectType = "ACTIVE", "FOLDER_LEVEL"

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self.alternativeIdentifiers = {"dataManagementAPIProjectId": ids.project_elsewhere(place.key)}


class Folder(_Inside):
    """A folder below a project."""

    createdBy = lastModifiedBy = createdOn = None

    @property
    def path(self) -> str:
        """Names of the folders down to this, from the project."""
        return "/".join(one.name for one in self.place.line[2:])

    def lastModifiedOn(self, info: Info) -> str | None:
        """When something was last put into it or taken out."""
        state = of(info).state(self.place.path) if self.place.path else ()
        return moment(state[2] / 1e9) if state else None

    def objectCount(self, info: Info) -> int:
        """How many folders and files are directly in it."""
        found = of(info).look(self.place)
        return len(found.places) + len(found.files)

    def project(self, info: Info) -> Project:
        """Where it is."""
        return Project(self.place.line[1])

    def parentFolder(self, info: Info) -> Folder | None:
        """Where it is, unless that is a project."""
        above = self.place.parent
        return Folder(above) if above and above.kind == "folder" else None


class DesignItem:
    """A file that can be measured."""

    typename = "DesignItem"
    extensionType = createdBy = lastModifiedBy = fusionWebUrl = None
    isConfiguration = False

    def __init__(self, file: File) -> None:
        self.file, self.id, self.name = file, file.id, file.name

    def mimeType(self, info: Info) -> str:
        """By its suffix."""
        kinds: dict[str, str] = of(info).desk.contract["served"]["mime"]
        return kinds[formats.SUFFIXES[PurePath(self.name).suffix.lower()]]

    def size(self, info: Info) -> str | None:
        """Bytes."""
        return str(self._now(of(info))[0])

    def createdOn(self, info: Info) -> str | None:
        """When its first version was last changed."""
        return moment(of(info).desk.versions.of(self.file, of(info))[0].time)

    def lastModifiedOn(self, info: Info) -> str | None:
        """When its bytes were last changed."""
        return moment(self._now(of(info))[1])

    def _now(self, context: Context) -> tuple[int, float]:
        """Bytes and time of change, which of a file on disk are known without reading it."""
        state = context.state(self.file.path) if self.file.path else ()
        if state:
            return state[1], state[2] / 1e9
        tip = context.desk.versions.tip(self.file, context)
        return tip.size, tip.time

    def hub(self, info: Info) -> Hub:
        """Where it is."""
        return Hub(self.file.parent.line[0])

    def project(self, info: Info) -> Project:
        """Where it is."""
        return Project(self.file.parent.line[1])

    def parentFolder(self, info: Info) -> Folder | None:
        """Where it is, unless that is a project."""
        return Folder(self.file.parent) if self.file.parent.kind == "folder" else None

    def subject(self, context: Context) -> Subject:
        """All of the file as it is now."""
        return Subject(self.file, context.desk.versions.tip(self.file, context))

    def thumbnail(self, info: Info) -> dict[str, Any]:
        """Its picture."""
        return self.subject(of(info)).thumbnail(of(info))


class Navigation:
    """Fields of Query that both versions have."""

    def hubs(self, info: Info, filter: Filter = None, pagination: Filter = None) -> Paged:
        """All hubs."""
        context, name = of(info), (filter or {}).get("name")
        found = [one for one in context.desk.tree.hubs if name is None or one.name == name]
        return context.page(sorted((key_of(one), one) for one in found), pagination, Hub)

    def hub(self, info: Info, hubId: str) -> Hub:
        """One hub."""
        return Hub(of(info).place(hubId, "hub"))

    def hubByDataManagementAPIId(self, info: Info, dataManagementAPIHubId: str) -> Hub:
        """The hub that another API knows by this id."""
        for one in of(info).desk.tree.hubs:
            if ids.hub_elsewhere(one.key) == dataManagementAPIHubId:
                return Hub(one)
        return missing("hub", dataManagementAPIHubId)

    def projects(self, info: Info, hubId: str, filter: Filter = None, pagination: Filter = None) -> Paged:
        """Projects of a hub."""
        return self.hub(info, hubId).projects(info, filter, pagination)

    def project(self, info: Info, projectId: str) -> Project:
        """One project."""
        return Project(of(info).place(projectId, "project"))

    def projectByDataManagementAPIId(self, info: Info, dataManagementAPIProjectId: str) -> Project:
        """The project that another API knows by this id."""
        context = of(info)
        for hub in context.desk.tree.hubs:
            for one in context.look(hub).places:
                if ids.project_elsewhere(one.key) == dataManagementAPIProjectId:
                    return Project(one)
        return missing("project", dataManagementAPIProjectId)

    def folder(self, info: Info, projectId: str, folderId: str) -> Folder:
        """A folder of a project."""
        return self._folder(info, folderId, projectId)

    def folderByHubId(self, info: Info, hubId: str, folderId: str) -> Folder:
        """A folder of a hub."""
        return self._folder(info, folderId, hubId)

    def _folder(self, info: Info, id: str, above: str) -> Folder:
        found = of(info).place(id, "folder")
        if above not in [one.id for one in found.line[:2]]:
            missing("folder", id)
        return Folder(found)

    def foldersByProject(
        self, info: Info, projectId: str, filter: Filter = None, pagination: Filter = None
    ) -> Paged:
        """Folders directly in a project."""
        return self.project(info, projectId).folders(info, filter, pagination)

    def foldersByFolderInHub(
        self, info: Info, hubId: str, folderId: str, filter: Filter = None, pagination: Filter = None
    ) -> Paged:
        """Folders directly in a folder of a hub."""
        return self._folder(info, folderId, hubId).folders(info, filter, pagination)

    def foldersByFolder(
        self, info: Info, projectId: str, folderId: str, filter: Filter = None, pagination: Filter = None
    ) -> Paged:
        """Folders directly in a folder of a project."""
        return self._folder(info, folderId, projectId).folders(info, filter, pagination)

    def itemsByProject(
        self, info: Info, projectId: str, filter: Filter = None, pagination: Filter = None
    ) -> Paged:
        """Files directly in a project."""
        return self.project(info, projectId).items(info, filter, pagination)

    def itemsByFolder(
        self, info: Info, hubId: str, folderId: str, filter: Filter = None, pagination: Filter = None
    ) -> Paged:
        """Files directly in a folder."""
        return self._folder(info, folderId, hubId).items(info, filter, pagination)

    def item(self, info: Info, hubId: str, itemId: str) -> Any:
        """One file of a hub."""
        return of(info).desk.types.DesignItem(file_in(of(info), hubId, ids.item_key(itemId), "item", itemId))


def file_in(context: Context, hub: str, key: str, what: str, id: str) -> File:
    """A file of a hub; raises Refused where there is none."""
    found = context.file(key, what, id)
    if found.parent.line[0].id != hub:
        missing(what, id)
    return found
